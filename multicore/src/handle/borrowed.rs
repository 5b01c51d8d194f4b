//! A result that stays where its worker wrote it, for as long as somebody reads it there.
//!
//! What may be referred to, and why, is in [`in_place`](crate::shm::in_place); here are the copies.

use std::fmt;

use bytemuck::{Pod, Zeroable};

use crate::codec::{self, Failure};
use crate::error::Result;
use crate::private::plain::FromPlain;
use crate::report::client_error;
use crate::shm::in_place::Lent;

/// A result of bytes, text or plain numbers that lies where its worker wrote it: from
/// [`Handle::get_ref`](crate::Handle::get_ref).
///
/// Of a `String` it has the bytes. Until it is dropped it keeps a slot of its pool from other calls, and the
/// pool's memory, also after the pool's end. It is not to be used in a fork of this process.
///
/// A worker could write to that memory at any time: out of bad will, or because a C library in it writes
/// where it should not. So what there is without `unsafe` are copies ([`get`](Borrowed::get),
/// [`copy_to`](Borrowed::copy_to), [`into_owned`](Borrowed::into_owned)), which are sound whatever a worker
/// does, and quick where they go to a buffer that is used again; and [`as_slice`](Borrowed::as_slice), which
/// has something where no worker can reach it.
///
/// ```
/// #[multicore::task]
/// fn noise(len: usize) -> Vec<u32> {
///     (0..len as u32).map(|n| n.wrapping_mul(2_654_435_761)).collect()
/// }
///
/// # fn main() -> multicore::Result<()> {
/// let noise = noise::call(1_000_000).spawn()?.get_ref()?;
/// let mut buffer = [0; 4096];
/// let mut sum = 0;
/// for from in (0..noise.len()).step_by(buffer.len()) {
///     let part = &mut buffer[..(noise.len() - from).min(4096)];
///     noise.copy_to(from, part);
///     sum += part.iter().map(|n| u64::from(*n)).sum::<u64>();
/// }
/// # assert_ne!(sum, 0);
/// # Ok(())
/// # }
/// ```
pub struct Borrowed<R: InPlace> {
    pub(crate) place: Place<R>,
}

pub(crate) enum Place<R> {
    /// In memory of this process's own.
    Here(R),
    Lent {
        lent: Box<dyn Lent>,
        task: &'static str,
    },
}

/// Results that [`Handle::get_ref`](crate::Handle::get_ref) can leave where they are: `Vec<T>` of
/// plain-old-data, and `String`.
pub trait InPlace: FromPlain<Element = <Self as InPlace>::Item> {
    /// What it is a row of.
    type Item: Pod;
}

impl<T: Pod> InPlace for Vec<T> {
    type Item = T;
}

impl InPlace for String {
    type Item = u8;
}

impl<R: InPlace> Borrowed<R> {
    /// What `lent` holds: a row of values that have a size.
    pub(crate) fn lent(lent: Box<dyn Lent>, task: &'static str) -> Result<Self> {
        let fits = lent.payload().is_row_of::<R::Item>();
        let borrowed = Borrowed { place: Place::Lent { lent, task } };
        // If it can be copied no more than borrowed, that says why.
        if fits { Ok(borrowed) } else { borrowed.into_owned().map(Borrowed::from) }
    }

    /// How many elements there are; of a `String`, bytes.
    pub fn len(&self) -> usize {
        match &self.place {
            Place::Here(value) => value.elements().len(),
            Place::Lent { lent, .. } => lent.payload().len() / size_of::<R::Item>(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether it lies where its worker wrote it. Results of up to 4 KiB are copied, and all while half of the
    /// pool's slots are kept, so that what is borrowed keeps no call waiting.
    pub fn is_in_place(&self) -> bool {
        matches!(self.place, Place::Lent { .. })
    }

    /// A copy of one element; `None` beyond the end.
    pub fn get(&self, index: usize) -> Option<R::Item> {
        let mut element = [R::Item::zeroed()];
        (index < self.len()).then(|| self.copy_to(index, &mut element))?;
        Some(element[0])
    }

    /// Fills `into` with the elements from `from` on.
    ///
    /// # Panics
    /// When there are not so many.
    pub fn copy_to(&self, from: usize, into: &mut [R::Item]) {
        let (len, end) = (self.len(), from.saturating_add(into.len()));
        assert!(end <= len, "elements {from} to {end} of {len} were asked for");
        match &self.place {
            Place::Here(value) => into.copy_from_slice(&value.elements()[from..end]),
            Place::Lent { lent, .. } => lent.payload().copy_to(from * size_of::<R::Item>(), into),
        }
    }

    /// A copy of all of it; the slot is free then.
    ///
    /// # Errors
    /// `Decode`: a `String` is no UTF-8, or there is no memory for a copy.
    pub fn into_owned(self) -> Result<R> {
        let (lent, task) = match self.place {
            Place::Here(value) => return Ok(value),
            Place::Lent { lent, task } => (lent, task),
        };
        let copied: Result<R, Failure> = codec::payload_plain(lent.payload()).and_then(R::from_elements);
        copied.map_err(|failure| client_error(failure, task))
    }
}

impl<R: InPlace> From<R> for Borrowed<R> {
    fn from(value: R) -> Self {
        Borrowed { place: Place::Here(value) }
    }
}

impl<R: InPlace> fmt::Debug for Borrowed<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Borrowed")
            .field("len", &self.len())
            .field("in_place", &self.is_in_place())
            .finish_non_exhaustive()
    }
}
