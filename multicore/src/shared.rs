//! Large data that every worker reads, without a copy for any of them.

pub(crate) mod data;
mod make;
#[cfg(processes)]
#[path = "shared/file.rs"]
mod store;
#[cfg(not(processes))]
#[path = "shared/memory.rs"]
mod store;
pub(crate) mod travel;
mod wire;

use std::fmt;
use std::io::Read;
use std::marker::PhantomData;
use std::ops::{Deref, Range, RangeBounds};
use std::sync::Arc;

use bytemuck::Pod;

use self::data::Data;
use self::make::Maker;
use crate::error::{Error, Result};
use crate::many::items::{Items, SliceOf};

/// What a value needs to be shared as the bytes that it is.
#[doc(hidden)]
#[diagnostic::on_unimplemented(
    message = "values of type `{Self}` cannot be shared between processes",
    label = "not plain-old-data",
    note = "shared data is numbers, or structs of them without padding: write `#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]` and `#[repr(C)]` on your own types"
)]
pub trait Plain: Pod {}

#[diagnostic::do_not_recommend]
impl<T: Pod> Plain for T {}

/// Large data that every worker reads, without a copy for any of them: a `Shared<[T]>` is a `&[T]` with
/// many owners, in all processes of a pool.
///
/// Where there are no worker processes it is ordinary memory, which nobody changes either.
///
/// It is written once, then sealed: no process, this one included, can change it any more. Each process maps
/// the same memory for reading, a worker when it meets the first call that names it, also one that has run
/// for long. So a slice of it is sound whatever a worker does.
///
/// There are two ways to pass it to a task:
///
/// - as a slice: a task that takes `&[T]` is called with `&data[10..20]`, or by
///   [`par_ranges!`](crate::par_ranges) with all of it. A slice of 4 KiB or more that lies in shared data
///   travels as its place alone; a shorter one is copied, which is faster, and so is one that goes by
///   another codec than the default.
/// - as itself: a task that takes `Shared<[T]>` or `&Shared<[T]>`, or has it in a struct of its own.
///
/// ```
/// #[multicore::task]
/// fn sum(chunk: &[f64]) -> f64 {
///     chunk.iter().sum()
/// }
///
/// # fn main() -> multicore::Result<()> {
/// let data = multicore::Shared::from_fn(100_000, |n| n as f64)?;
/// let sums = multicore::par_ranges!(data, sum)?;
/// assert_eq!(sums.iter().sum::<f64>(), 4_999_950_000.0);
/// # Ok(())
/// # }
/// ```
///
/// Cloning is cheap, and so is [`slice`](Shared::slice). A call keeps what it names until it settles, also
/// when this value is dropped; a worker lets go of it between two calls, soon after the last owner has. One
/// descriptor is open for each piece of shared data here and in the supervisor of each pool that it was
/// sent to, none in workers.
///
/// A task cannot return it: that does not compile, and within another type it is an error of its
/// `Serialize`, as it is to write it to a file. The workers of a sandboxed pool map nothing: there slices are
/// copied, and a call with a `Shared` itself is [`Error::Refused`].
///
/// # What can be shared
///
/// Plain-old-data ([`bytemuck::Pod`](https://docs.rs/bytemuck)): numbers, arrays of them, and structs that
/// derive it. A file is [read](Shared::read) into shared data, not mapped as it is: whoever may write to a
/// file could change it, or cut it short, under a slice of it.
pub struct Shared<T: ?Sized> {
    data: Arc<Data>,
    /// The bytes of it that this is.
    place: Range<usize>,
    of: PhantomData<T>,
}

/// Copies the values into memory that every worker can read.
///
/// Data that is computed or read is better made in place, so that it is written once:
/// [`Shared::from_fn`], [`Shared::collect`], [`Shared::read`], [`Shared::build`].
///
/// ```
/// let primes = multicore::share([2_u64, 3, 5, 7])?;
/// assert_eq!(primes[1..3], [3, 5]);
/// # Ok::<(), multicore::Error>(())
/// ```
///
/// # Errors
/// `Os`: no memory, no descriptor left, or a limit on the size of files or of the address space.
pub fn share<T: Plain>(values: impl AsRef<[T]>) -> Result<Shared<[T]>> {
    make(|maker| maker.put(values.as_ref()))
}

impl<T: Plain> Shared<[T]> {
    /// The values of `value` at 0, 1, … `len - 1`, each written once, to where it stays.
    ///
    /// # Errors
    /// As [`share`].
    pub fn from_fn(len: usize, value: impl FnMut(usize) -> T) -> Result<Self> {
        Self::collect((0..len).map(value))
    }

    /// The values of an iterator of any length, each written once, to where it stays.
    ///
    /// # Errors
    /// As [`share`].
    pub fn collect(values: impl IntoIterator<Item = T>) -> Result<Self> {
        Self::try_collect(values.into_iter().map(Ok))
    }

    /// As [`collect`](Shared::collect), up to the first error.
    ///
    /// # Errors
    /// The iterator's, and those of [`share`].
    pub fn try_collect<E: From<Error>>(values: impl IntoIterator<Item = Result<T, E>>) -> Result<Self, E> {
        let mut values = values.into_iter();
        make(|maker| maker.put_all(|| values.next()))
    }

    /// Everything that there is to be read, such as a whole file, taken for values in this machine's byte
    /// order.
    ///
    /// ```no_run
    /// let samples: multicore::Shared<[f32]> = multicore::Shared::read(std::fs::File::open("samples.f32")?)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// `Os` with the reader's error, or as [`share`]; `Config` when the bytes are no whole number of values.
    pub fn read(from: impl Read) -> Result<Self> {
        make(|maker| maker.read_all(from, size_of::<T>()))
    }

    /// `len` values that `fill` writes in any order; they are zeroes before.
    ///
    /// The way for code that wants a `&mut [T]`. What comes in order is made in half of the time by the
    /// others, because here the kernel writes the zeroes first.
    ///
    /// ```
    /// let squares = multicore::Shared::build(100, |squares: &mut [u32]| {
    ///     for n in (0..100).rev() {
    ///         squares[n] = (n * n) as u32;
    ///     }
    /// })?;
    /// assert_eq!(squares[9], 81);
    /// # Ok::<(), multicore::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`share`].
    pub fn build(len: usize, fill: impl FnOnce(&mut [T])) -> Result<Self> {
        // What is more than all memory is more than a file may have.
        let bytes = len.saturating_mul(size_of::<T>());
        make(|maker| maker.fill(bytes, |bytes| fill(bytemuck::cast_slice_mut(bytes))))
    }

    /// A part of it, of the same memory.
    ///
    /// # Panics
    /// When the range is out of bounds, as `data[range]` does.
    #[must_use]
    pub fn slice(&self, range: impl RangeBounds<usize>) -> Self {
        let part: &[T] = &self[(range.start_bound().cloned(), range.end_bound().cloned())];
        let start = self.place.start + (part.as_ptr().addr() - self.as_ptr().addr());
        Shared { data: self.data.clone(), place: start..start + size_of_val(part), of: PhantomData }
    }
}

/// What `write` writes, as shared data.
fn make<T: Plain, E: From<Error>>(write: impl FnOnce(&mut Maker) -> Result<(), E>) -> Result<Shared<[T]>, E> {
    const {
        assert!(size_of::<T>() != 0, "values without a size cannot be shared");
        assert!(align_of::<T>() <= 4096, "values that are aligned to more than a page cannot be shared");
    }
    let mut maker = Maker::new()?;
    write(&mut maker)?;
    let data = maker.finish()?;
    let place = 0..data.bytes().len();
    Ok(Shared { data, place, of: PhantomData })
}

impl<T: Pod> Deref for Shared<[T]> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        bytemuck::cast_slice(&self.data.bytes()[self.place.clone()])
    }
}

impl<T: Pod> AsRef<[T]> for Shared<[T]> {
    fn as_ref(&self) -> &[T] {
        self
    }
}

impl<T: Pod> Items for Shared<[T]> {
    fn bounds(&self) -> Range<usize> {
        0..self.len()
    }
}

impl<T: Pod> SliceOf<T> for Shared<[T]> {
    fn slice(&self) -> &[T] {
        self
    }
}

impl<T: ?Sized> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Shared { data: self.data.clone(), place: self.place.clone(), of: PhantomData }
    }
}

impl<T: ?Sized> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("bytes", &self.place.len()).finish_non_exhaustive()
    }
}

#[cfg(all(test, processes))]
mod test;
