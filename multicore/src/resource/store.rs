//! What this thread keeps: its values in the order of making, with their history.
//!
//! Nothing of the user's runs while the store is in use: makers, checks and goodbyes ask for resources themselves.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::mem;
use std::time::Instant;

use super::kept::{Kept, Standing};
use super::{Kind, scope, settle};
use crate::sys::fork_guard::{self, Token};
use crate::sys::thread_end;

thread_local! {
    static STORE: RefCell<Store> = const { RefCell::new(Store::new()) };
}

pub(super) struct Store {
    /// Whose values these are; none before the first.
    made_in: Option<Token>,
    pub(super) kept: Vec<Kept>,
    making: Vec<BeingMade>,
    /// What is being closed.
    pub(super) closing: Vec<TypeId>,
    /// Whether all is being closed: what is made meanwhile goes as soon as it comes back.
    pub(super) ending: bool,
    /// Whether the thread ends: nothing is made any more.
    pub(super) over: bool,
    /// The number of the last value.
    last: u64,
}

struct BeingMade {
    id: TypeId,
    needs: Vec<u64>,
}

/// What there is of a resource.
pub(super) enum Found {
    Value {
        number: u64,
        value: Box<dyn Any>,
        check: bool,
    },
    TooOld {
        number: u64,
    },
    Lent,
    /// It is being made, or closed.
    InTheMaking,
    Nothing,
    /// The thread is ending, and its values are gone.
    Over,
}

impl Store {
    const fn new() -> Store {
        Store {
            made_in: None,
            kept: Vec::new(),
            making: Vec::new(),
            closing: Vec::new(),
            ending: false,
            over: false,
            last: 0,
        }
    }

    /// Leaves what an ancestor of this process made to itself.
    pub(super) fn in_this_process(&mut self) {
        if self.made_in.is_none_or(fork_guard::in_forked_child) {
            self.made_in = Some(fork_guard::token());
            mem::forget(mem::take(&mut self.kept));
            self.making.clear();
            self.closing.clear();
            (self.ending, self.over) = (false, false);
        }
    }

    pub(super) fn of(&mut self, number: u64) -> Option<&mut Kept> {
        self.kept.iter_mut().find(|kept| kept.number == number)
    }

    fn needs(&mut self, number: u64) {
        if let Some(making) = self.making.last_mut() {
            making.needs.push(number);
        }
    }

    fn find(&mut self, kind: &'static Kind) -> Found {
        let id = (kind.id)();
        if self.making.iter().any(|making| making.id == id) || self.closing.contains(&id) {
            return Found::InTheMaking;
        }
        let (call, outermost) = scope::borrows();
        // One that a call of before did not give back is nobody's any more: its guard closes it, if it is ever dropped.
        self.kept.retain(|kept| (kept.kind.id)() != id || !kept.is_lost(outermost));
        let Some(kept) = self.kept.iter_mut().find(|kept| (kept.kind.id)() == id) else {
            return if self.over { Found::Over } else { Found::Nothing };
        };
        let number = kept.number;
        let too_old = kept.used_in < outermost && kept.is_too_old();
        if kept.value.is_some() && (too_old || kept.standing == Standing::Doomed) {
            return Found::TooOld { number };
        }
        let Some(value) = kept.value.take() else { return Found::Lent };
        let check = kept.is_to_be_checked(outermost);
        (kept.used_in, kept.lent_to_call) = (call, scope::in_call());
        if check {
            kept.checked_in = call;
        }
        self.needs(number);
        Found::Value { number, value, check }
    }

    /// The newest value that needed this one.
    pub(super) fn dependent(&self, number: u64) -> Option<u64> {
        let needs = |kept: &&Kept| kept.needs.contains(&number) && kept.standing != Standing::Doomed;
        self.kept.iter().rev().find(needs).map(|kept| kept.number)
    }

    /// Takes a value out for good; one that is borrowed goes when it comes back.
    pub(super) fn remove(&mut self, number: u64) -> Option<(&'static Kind, Box<dyn Any>)> {
        let at = self.kept.iter().position(|kept| kept.number == number)?;
        match self.kept[at].value.is_some() {
            true => {
                let kept = self.kept.remove(at);
                kept.value.map(|value| (kept.kind, value))
            }
            false => {
                self.kept[at].standing = Standing::Doomed;
                None
            }
        }
    }
}

/// Looks at the store, which is there until the thread's own values are dropped.
pub(super) fn store<T>(look: impl FnOnce(&mut Store) -> T) -> Option<T> {
    let look = |store: &RefCell<Store>| {
        let mut store = store.borrow_mut();
        store.in_this_process();
        look(&mut store)
    };
    STORE.try_with(look).ok()
}

/// Takes a resource's value out for whoever asks for it, if it can be had.
pub(super) fn find(kind: &'static Kind) -> Found {
    store(|store| store.find(kind)).unwrap_or(Found::Over)
}

/// A resource that is being made; what its function borrows meanwhile is what it needs.
pub(super) struct Making(&'static Kind);

impl Making {
    pub(super) fn begin(kind: &'static Kind) -> Making {
        store(|store| store.making.push(BeingMade { id: (kind.id)(), needs: Vec::new() }));
        Making(kind)
    }

    /// It is made, and borrowed at once; its number.
    pub(super) fn end(self) -> u64 {
        let (kind, (call, _)) = (self.0, scope::borrows());
        let number = store(|store| {
            let needs =
                store.making.last_mut().map(|making| mem::take(&mut making.needs)).unwrap_or_default();
            store.last += 1;
            store.kept.push(Kept {
                number: store.last,
                kind,
                value: None,
                standing: if store.ending { Standing::Doomed } else { Standing::Good },
                of_call: scope::in_call(),
                born: Instant::now(),
                given_back: None,
                used_in: call,
                lent_to_call: scope::in_call(),
                checked_in: call,
                needs,
            });
            store.last
        });
        drop(self);
        thread_end::before_locals(settle::close_before_locals);
        // Whoever is being made meanwhile needs it.
        store(|store| store.needs(number.unwrap_or_default()));
        number.unwrap_or_default()
    }
}

impl Drop for Making {
    fn drop(&mut self) {
        store(|store| store.making.pop());
    }
}

/// It was checked, and is good.
pub(super) fn is_good(number: u64) {
    store(|store| store.of(number).map(|kept| kept.standing = Standing::Good));
}

/// It is to be checked before its next use, or replaced where nobody can.
pub(super) fn suspect(number: u64) {
    store(|store| store.of(number).map(|kept| kept.suspect(true)));
}

/// It is to be closed once it comes back.
pub(super) fn doom(number: u64) {
    store(|store| store.of(number).map(|kept| kept.standing = Standing::Doomed));
}

/// The call of this number failed: so are all that it borrowed, and those within it.
pub(super) fn suspect_since(number: u64, panicked: bool) {
    store(|store| {
        store.kept.iter_mut().filter(|kept| kept.used_in >= number).for_each(|kept| kept.suspect(panicked));
    });
}
