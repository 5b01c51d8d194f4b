//! What becomes of a value that comes back, of one whose call is over, and of all at a worker's end: it is put in
//! order, replaced, or closed.

use std::any::Any;
use std::ffi::c_void;
use std::mem;
use std::time::Instant;

use super::count::count;
use super::kept::{Kept, Standing};
use super::store::{Store, store};
use super::{Kind, scope};
use crate::shm::tally::Reuse;
use crate::sys::fault::point;

/// A guard gives its value back.
pub(super) fn take_back(kind: &'static Kind, number: u64, mut value: Box<dyn Any>, panicking: bool) {
    // While a panic unwinds nobody is asked anything; the rules for panics hold.
    let broken = !panicking && !kind.is_whole(&mut *value);
    let mut value = Some(value);
    let there = store(|store| {
        let Some(kept) = store.of(number) else { return };
        if scope::in_call() {
            // Whoever borrowed it, after this call it is put in order.
            (kept.used_in, _) = scope::borrows();
        }
        if kept.kind.rules.check_idle.is_some() {
            kept.given_back = Some(Instant::now());
        }
        if panicking {
            kept.suspect(true);
        }
        if broken {
            kept.standing = Standing::Doomed;
        }
        kept.value = value.take();
    });
    match value {
        // The store knows it no more, or is gone.
        Some(value) => {
            if there.is_some() {
                count(Reuse::Replaced);
            }
            end(kind, value);
        }
        None if !scope::in_call() => settle_one(number),
        None => close_if_doomed(number),
    }
}

fn close_if_doomed(number: u64) {
    let doomed = |store: &mut Store| store.of(number).is_some_and(|kept| kept.standing == Standing::Doomed);
    if store(doomed).unwrap_or(false) {
        replace(number);
    }
}

/// The call of this number is over, and so are all within it: puts in order what they borrowed.
pub(super) fn settle(call: u64) {
    let borrowed = store(|store| {
        let borrowed = store.kept.iter().rev().filter(|kept| kept.used_in >= call);
        borrowed.map(|kept| kept.number).collect::<Vec<_>>()
    });
    borrowed.unwrap_or_default().into_iter().for_each(settle_one);
}

/// A call that borrowed this is over.
fn settle_one(number: u64) {
    match store(|store| store.of(number).map_or(Next::Nothing, Next::of)).unwrap_or(Next::Nothing) {
        Next::Nothing => {}
        Next::Replace => replace(number),
        Next::Restore(kind, mut value) => {
            let restored = kind.restore(&mut *value);
            point("resource-reset");
            let mut value = Some(value);
            store(|store| store.of(number).map(|kept| kept.value = value.take()));
            match value {
                // The store is gone.
                Some(value) => end(kind, value),
                None if !restored => replace(number),
                None => {}
            }
        }
    }
}

/// What is done with a value once its call is over.
enum Next {
    Nothing,
    Replace,
    Restore(&'static Kind, Box<dyn Any>),
}

impl Next {
    fn of(kept: &mut Kept) -> Next {
        if kept.standing == Standing::Doomed || kept.is_too_old() {
            return Next::Replace;
        }
        // A guard that outlives its call keeps the value.
        match kept.value.take_if(|_| kept.kind.rules.resets) {
            Some(value) => Next::Restore(kept.kind, value),
            None => Next::Nothing,
        }
    }
}

/// Closes a value, those first that needed it in order to be made.
pub(super) fn replace(number: u64) {
    while let Some(Some(dependent)) = store(|store| store.dependent(number)) {
        replace(dependent);
    }
    if let Some(Some((kind, value))) = store(|store| store.remove(number)) {
        count(Reuse::Replaced);
        end(kind, value);
    }
}

/// Ends a value. Meanwhile its resource is not to be had, or a goodbye that asks for it would never come to an end.
fn end(kind: &'static Kind, value: Box<dyn Any>) {
    store(|store| store.closing.push((kind.id)()));
    kind.end(value);
    point("resource-closed");
    store(|store| store.closing.pop());
}

/// Closes all that this thread keeps and nobody has, the newest first: its worker is at its end.
pub(crate) fn close_all() {
    close_those(|_| true);
}

/// Closes what calls have made here, where calls have no thread of their own: their pool is at its end.
pub(crate) fn close_calls_own() {
    if !scope::is_of_calls() {
        // As in a worker, their goodbyes may ask for others.
        scope::around(|| close_those(|kept| kept.of_call), |()| false);
    }
}

fn close_those(which: fn(&Kept) -> bool) {
    let newest = |store: &mut Store| {
        let at = store.kept.iter().rposition(|kept| kept.value.is_some() && which(kept))?;
        let kept = store.kept.remove(at);
        Some((kept.kind, kept.value?))
    };
    let outer = store(|store| mem::replace(&mut store.ending, true));
    while let Some(Some((kind, value))) = store(newest) {
        end(kind, value);
    }
    store(|store| store.ending = outer.unwrap_or(false));
}

/// The thread ends, and what values have in its other thread-local values is still there.
pub(super) extern "C" fn close_before_locals(_nothing: *mut c_void) {
    store(|store| store.over = true);
    close_all();
}

impl Drop for Store {
    /// The thread has ended; what is left of its values was made since, or nobody said so in time.
    fn drop(&mut self) {
        self.in_this_process();
        while let Some(kept) = self.kept.pop() {
            if let Some(value) = kept.value {
                kept.kind.end(value);
            }
        }
    }
}
