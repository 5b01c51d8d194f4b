//! References to a result that stays where its worker wrote it.
//!
//! Its slot is *collecting* meanwhile, so nobody that keeps to the protocol writes to its window. But workers map
//! the window as well, and one of bad will, or with an error in a C library, may write to it at any moment:
//! memory that changes under a `&[u8]` is undefined behaviour, whatever a documentation says. So there is
//! a reference only where no worker can reach the memory ([out-of-reach]), or by a promise of the caller's.

use super::window::Payload;
use crate::handle::borrowed::{Borrowed, InPlace, Place};

/// A result in its window, which goes back with this.
pub(crate) trait Lent: Send + Sync {
    /// Its bytes, the same place each time.
    fn payload(&self) -> Payload<'_>;
    /// Whether nobody else can write to them.
    fn is_out_of_reach(&self) -> bool;
}

impl<R: InPlace> Borrowed<R> {
    /// The elements where they lie, if no worker can write there: in a pool whose sandbox has seccomp, or
    /// because they were copied. `None` in any other pool, and in a fork of the process that borrowed them.
    pub fn as_slice(&self) -> Option<&[R::Item]> {
        match &self.place {
            Place::Here(value) => Some(value.elements()),
            // SAFETY: [out-of-reach] client and supervisor alone map the region of such a pool, and both leave
            // the window of a slot that is being collected alone; it is that until `lent` is dropped. `Borrowed::lent`
            // found a row of this type there, and the place stays.
            Place::Lent { lent, .. } if lent.is_out_of_reach() => Some(unsafe { lent.payload().in_place() }),
            Place::Lent { .. } => None,
        }
    }

    /// The elements where they lie.
    ///
    /// # Safety
    /// While the reference lives, no worker of the pool writes over memory that is not its own: its tasks, and
    /// the C libraries in them, have no such error, and no call has taken it over.
    pub unsafe fn as_slice_unchecked(&self) -> &[R::Item] {
        match &self.place {
            Place::Here(value) => value.elements(),
            // SAFETY: workers that keep to the protocol, as the caller promises, leave the window of a slot
            // that is being collected alone, and so do client and supervisor. `Borrowed::lent` found a row of
            // this type there, and the place stays.
            Place::Lent { lent, .. } => unsafe { lent.payload().in_place() },
        }
    }
}
