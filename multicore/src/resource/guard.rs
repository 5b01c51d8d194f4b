//! A resource in the hands of a call.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::MutexGuard;
use std::thread;

use super::{Kind, settle, store};
use crate::sys::fork_guard::{self, Token};

/// A worker's value of a [resource](macro@crate::resource), borrowed until this is dropped.
///
/// It stays in its thread. A child that is forked meanwhile cannot use it, which is a panic there, and leaves it
/// alone; its own `get()` makes another one.
///
/// ```
/// use multicore::ResourceGuard;
///
/// #[multicore::resource]
/// fn scratch() -> Vec<u8> {
///     Vec::with_capacity(1 << 20)
/// }
///
/// #[multicore::task]
/// fn fill(bytes: usize) -> usize {
///     let mut space = scratch::get();
///     space.resize(bytes, 0);
///     if bytes > 1 << 20 {
///         ResourceGuard::discard(space); // so much is not worth keeping
///     }
///     bytes
/// }
///
/// assert_eq!(fill::call(10).get()?, 10);
/// # Ok::<(), multicore::Error>(())
/// ```
pub struct ResourceGuard<T: 'static> {
    /// `None` once it is given up.
    value: Option<Box<T>>,
    kind: &'static Kind,
    number: u64,
    made_in: Token,
    /// The value is this thread's; it may be looked at from others, as with this one.
    here: PhantomData<MutexGuard<'static, ()>>,
}

impl<T: 'static> ResourceGuard<T> {
    pub(super) fn new(kind: &'static Kind, number: u64, value: Box<T>) -> ResourceGuard<T> {
        ResourceGuard { value: Some(value), kind, number, made_in: fork_guard::token(), here: PhantomData }
    }

    /// Has the value checked before its next use, for a call that has seen it fail and succeeds all the same.
    ///
    /// There is one check a call: what this call made, or had checked before, is checked in a later one. Without a
    /// check the value is replaced once this guard is dropped.
    pub fn suspect(guard: &mut ResourceGuard<T>) {
        store::suspect(guard.number);
    }

    /// Closes the value now; the next use makes another one.
    pub fn discard(guard: ResourceGuard<T>) {
        store::doom(guard.number);
    }

    /// Whether the check finds it good.
    pub(super) fn passes(&mut self) -> bool {
        let kind = self.kind;
        kind.passes(&mut **self)
    }

    /// # Panics
    /// In a forked child of the process that borrowed it.
    fn stay(&self) {
        assert!(
            !fork_guard::in_forked_child(self.made_in),
            "the resource `{0}` was borrowed before this process was forked, and belongs to its parent: borrow \
             another one by `{0}::get()` here",
            self.kind.rules.name
        );
    }
}

impl<T: 'static> Deref for ResourceGuard<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.stay();
        self.value.as_deref().expect("only dropping it takes the value")
    }
}

impl<T: 'static> DerefMut for ResourceGuard<T> {
    fn deref_mut(&mut self) -> &mut T {
        self.stay();
        self.value.as_deref_mut().expect("only dropping it takes the value")
    }
}

impl<T: 'static> Drop for ResourceGuard<T> {
    fn drop(&mut self) {
        let Some(value) = self.value.take() else { return };
        if fork_guard::in_forked_child(self.made_in) {
            // No goodbye on somebody else's connection.
            mem::forget(value);
        } else {
            let value: Box<dyn Any> = value;
            settle::take_back(self.kind, self.number, value, thread::panicking());
        }
    }
}

impl<T: fmt::Debug + 'static> fmt::Debug for ResourceGuard<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
