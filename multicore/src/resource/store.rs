//! What this thread keeps: its values in the order of making, with their history.
//!
//! Nothing of the user's runs while the store is in use: makers, checks and goodbyes ask for resources themselves.

use std::any::{Any, TypeId};
use std::cell::RefCell;
use std::ffi::c_void;
use std::mem;
use std::time::{Duration, Instant};

use super::{Kind, scope};
use crate::shm::tally::Reuse;
use crate::sys::fault::point;
use crate::sys::fork_guard::{self, Token};
use crate::sys::thread_end;

thread_local! {
    static STORE: RefCell<Store> = const { RefCell::new(Store::new()) };
}

struct Store {
    /// Whose values these are; none before the first.
    made_in: Option<Token>,
    kept: Vec<Kept>,
    making: Vec<BeingMade>,
    /// What is being closed.
    closing: Vec<TypeId>,
    /// Whether all is being closed: what is made meanwhile goes as soon as it comes back.
    ending: bool,
    /// Whether the thread ends: nothing is made any more.
    over: bool,
    /// The number of the last value.
    last: u64,
}

/// One value.
struct Kept {
    number: u64,
    kind: &'static Kind,
    /// `None` while it is borrowed.
    value: Option<Box<dyn Any>>,
    standing: Standing,
    /// Whether it was made by or for a call.
    of_call: bool,
    born: Instant,
    /// When it was given back last, if that matters.
    given_back: Option<Instant>,
    /// The call that borrowed it last.
    used_in: u64,
    /// Whether that was a call at all.
    lent_to_call: bool,
    /// The last call in which it was checked.
    checked_in: u64,
    /// The values that it needed in order to be made.
    needs: Vec<u64>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    Good,
    /// To be checked before its next use.
    Suspect,
    /// To be closed as soon as nobody has it.
    Doomed,
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
    fn in_this_process(&mut self) {
        if self.made_in.is_none_or(fork_guard::in_forked_child) {
            self.made_in = Some(fork_guard::token());
            mem::forget(mem::take(&mut self.kept));
            self.making.clear();
            self.closing.clear();
            (self.ending, self.over) = (false, false);
        }
    }

    fn of(&mut self, number: u64) -> Option<&mut Kept> {
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
    fn dependent(&self, number: u64) -> Option<u64> {
        let needs = |kept: &&Kept| kept.needs.contains(&number) && kept.standing != Standing::Doomed;
        self.kept.iter().rev().find(needs).map(|kept| kept.number)
    }

    /// Takes a value out for good; one that is borrowed goes when it comes back.
    fn remove(&mut self, number: u64) -> Option<(&'static Kind, Box<dyn Any>)> {
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

impl Kept {
    /// Whether a call that is over has kept it.
    fn is_lost(&self, outermost: u64) -> bool {
        self.value.is_none() && self.lent_to_call && self.used_in < outermost
    }

    fn is_too_old(&self) -> bool {
        self.kind.rules.max_age.is_some_and(|age| self.born.elapsed() >= age)
    }

    /// Whether it is to be checked before this use; once in a call is enough.
    fn is_to_be_checked(&self, outermost: u64) -> bool {
        let idle = |limit: Duration| self.given_back.is_some_and(|moment| moment.elapsed() >= limit);
        let first = self.used_in < outermost;
        self.kind.rules.checks
            && self.checked_in < outermost
            && (self.standing == Standing::Suspect || first && self.kind.rules.check_idle.is_some_and(idle))
    }

    fn suspect(&mut self, panicked: bool) {
        // Nobody can tell what a panic has left behind, unless there is somebody to ask.
        self.standing = match self.standing {
            Standing::Good if self.kind.rules.checks => Standing::Suspect,
            Standing::Good if panicked => Standing::Doomed,
            standing => standing,
        };
    }
}

/// The thread ends, and what values have in its other thread-local values is still there.
extern "C" fn close_before_locals(_nothing: *mut c_void) {
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

/// Looks at the store, which is there until the thread's own values are dropped.
fn store<T>(look: impl FnOnce(&mut Store) -> T) -> Option<T> {
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
        thread_end::before_locals(close_before_locals);
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
    let taken = store(|store| {
        let kept = store.of(number)?;
        if kept.standing == Standing::Doomed || kept.is_too_old() {
            return Some(None);
        }
        // A guard that outlives its call keeps it.
        Some(Some((kept.kind, kept.kind.rules.resets.then(|| kept.value.take()).flatten()?)))
    });
    match taken.flatten() {
        Some(Some((kind, mut value))) => {
            let restored = kind.restore(&mut *value);
            point("resource-reset");
            let mut value = Some(value);
            store(|store| store.of(number).map(|kept| kept.value = value.take()));
            match value {
                Some(value) => end(kind, value),
                None if !restored => replace(number),
                None => {}
            }
        }
        Some(None) => replace(number),
        None => {}
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

/// Counts something for this worker, if this thread is one's.
pub(super) fn count(what: Reuse) {
    if !counted_by_crew(what) {
        #[cfg(processes)]
        if let Some((region, index)) = crate::processes::worker::ready::here() {
            region.tally(index).resources.add(what);
        }
    }
}

/// Counts it for this thread, if it is one of a pool's.
#[cfg(threads)]
fn counted_by_crew(what: Reuse) -> bool {
    crate::threads::around::count(what)
}

#[cfg(not(threads))]
fn counted_by_crew(_what: Reuse) -> bool {
    false
}
