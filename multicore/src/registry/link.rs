//! How generated code in any crate hands its entries over before `main`.
//!
//! A constructor per entry pushes a static link onto one list: no allocation, because the program's
//! allocator may not be ready that early. The `inventory` crate does the same, but its macro carries
//! an `#[allow]` that a crate with `#![forbid(nonstandard_style)]` is warned about, or refused.

use std::sync::{Mutex, OnceLock, PoisonError};

use super::{Entry, Hook};

/// What a link hands over.
#[doc(hidden)]
pub enum Registered {
    /// A task function.
    Task(&'static Entry),
    /// A worker's start or exit function.
    Hook(&'static Hook),
}

/// One link of the list, a static of generated code.
#[doc(hidden)]
pub struct Link {
    item: Registered,
    /// Set once the link is part of the list.
    next: OnceLock<Option<&'static Link>>,
}

static LAST: Mutex<Option<&'static Link>> = Mutex::new(None);

impl Link {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(item: Registered) -> Link {
        Link { item, next: OnceLock::new() }
    }

    /// Adds the link to the list, unless it is part of it.
    #[doc(hidden)]
    pub fn register(&'static self) {
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if self.next.set(*last).is_ok() {
            *last = Some(self);
        }
    }
}

/// Everything registered so far, in no order.
pub(super) fn registered() -> impl Iterator<Item = &'static Registered> {
    let last = *LAST.lock().unwrap_or_else(PoisonError::into_inner);
    std::iter::successors(last, |link| link.next.get().copied().flatten()).map(|link| &link.item)
}
