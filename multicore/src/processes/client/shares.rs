//! The client's side of shared data: its supervisor is told of what a call names before the call is
//! published, and what a call names is kept until it settles.
//!
//! One descriptor is passed on for each piece of shared data and each supervisor. The next supervisor is told
//! of all that lives before it answers a worker ([`Telling::hand_over`]); so whoever decodes a call finds what
//! the call names, whichever supervisor it has.
//!
//! A lock here is never held while shared data is dropped, which takes it ([`Telling::let_go`]).

use std::collections::HashMap;
use std::os::fd::AsFd;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use crate::error::{Error, Result};
use crate::processes::client::link::Link;
use crate::processes::client::{Client, Ticket};
use crate::processes::control::{self, Order};
use crate::shared::data::Data;
use crate::shared::travel::Named;
use crate::shm::word::{Phase, Word};
use crate::sys::fault::point;
use crate::sys::fork_guard::{self, Token};

/// How long a supervisor may not listen before a call is given up that it would have to be told of.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two tries.
const AGAIN: Duration = Duration::from_millis(1);
/// How often the end of shared data is tried to be told at once.
const TRIES: u32 = 20;
/// Numbers in one message.
const AT_ONCE: usize = 1000;

/// What a pool has of shared data.
pub(crate) struct Shares {
    pub(in crate::processes) telling: Arc<Telling>,
    /// How many calls name something: without any, the way of a call takes no lock.
    holding: AtomicUsize,
    held: Mutex<HashMap<u32, Hold>>,
}

/// What one call names, and so keeps.
struct Hold {
    generation: u32,
    _data: Vec<Arc<Data>>,
}

/// What the supervisor knows.
pub(crate) struct Telling {
    state: Mutex<State>,
    made_in: Token,
}

#[derive(Default)]
struct State {
    /// `None` while there is no supervisor.
    link: Option<Arc<Link>>,
    told: HashMap<u64, Weak<Data>>,
    /// What it is still to be told is gone.
    gone: Vec<u64>,
}

/// What came of telling the supervisor.
enum Told {
    Before,
    Now,
    /// There is none, or its queue is full.
    Later(std::io::Error),
}

impl Shares {
    pub(in crate::processes) fn new(link: Option<Arc<Link>>) -> Shares {
        let state = Mutex::new(State { link, ..State::default() });
        let telling = Arc::new(Telling { state, made_in: fork_guard::token() });
        Shares { telling, holding: AtomicUsize::new(0), held: Mutex::default() }
    }

    fn held(&self) -> MutexGuard<'_, HashMap<u32, Hold>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hold(&self, ticket: Ticket, data: Vec<Arc<Data>>) {
        let hold = Hold { generation: ticket.generation, _data: data };
        let before = self.held().insert(ticket.slot, hold);
        if before.is_none() {
            self.holding.fetch_add(1, Relaxed);
        }
    }

    /// The call has settled, or never will: its slot is about to be free.
    #[inline]
    pub(in crate::processes) fn settled(&self, ticket: Ticket) {
        if self.holding.load(Relaxed) != 0 {
            self.let_go(ticket.slot, |generation| generation == ticket.generation);
        }
    }

    /// The slot has a new call: the one before, which nobody collected, has settled.
    #[inline]
    pub(in crate::processes) fn renewed(&self, ticket: Ticket) {
        if self.holding.load(Relaxed) != 0 {
            self.let_go(ticket.slot, |generation| generation != ticket.generation);
        }
    }

    /// Lets go of what the call in this slot names, if it is `over`, by its generation.
    #[cold]
    fn let_go(&self, slot: u32, over: impl FnOnce(u32) -> bool) {
        let mut held = self.held();
        let known = held.get(&slot).is_some_and(|hold| over(hold.generation));
        let hold = if known { held.remove(&slot) } else { None };
        drop(held);
        if hold.is_some() {
            self.holding.fetch_sub(1, Relaxed);
        }
    }
}

impl Client {
    /// Before a call is published: has the supervisor know what it names, and keeps that alive.
    ///
    /// # Errors
    /// `Os` where the kernel does not pass the descriptor on, and what became of the pool meanwhile.
    #[inline]
    pub(in crate::processes) fn keep(&self, ticket: Ticket, named: Named) -> Result<()> {
        if named.found.is_empty() { Ok(()) } else { self.keep_all(ticket, named.found) }
    }

    #[cold]
    fn keep_all(&self, ticket: Ticket, data: Vec<Arc<Data>>) -> Result<()> {
        for one in &data {
            self.tell(one)?;
        }
        point("share-told");
        self.shares.hold(ticket, data);
        Ok(())
    }

    fn tell(&self, data: &Arc<Data>) -> Result<()> {
        let start = Instant::now();
        loop {
            match self.shares.telling.tell(data)? {
                Told::Before => return Ok(()),
                Told::Now => {
                    self.let_go_of_shares();
                    return Ok(());
                }
                Told::Later(why) if start.elapsed() > PATIENCE => return Err(Error::os("sendmsg", why)),
                Told::Later(_) => {}
            }
            self.check_standing()?;
            // A supervisor that died is replaced by whoever looks, one that is stopped sent on.
            self.patrol();
            std::thread::sleep(AGAIN);
        }
    }

    /// Lets go of what detached calls named that have settled since.
    pub(in crate::processes) fn let_go_of_shares(&self) {
        self.shares.telling.flush();
        if self.shares.holding.load(Relaxed) == 0 {
            return;
        }
        let slots: Vec<u32> = self.shares.held().keys().copied().collect();
        for slot in slots {
            let word = &self.region.slot(slot as usize).state;
            self.shares.let_go(slot, |generation| {
                let state = word.state();
                let pending = [Phase::Filling, Phase::Ready, Phase::Claimed, Phase::Running].map(Some);
                state.generation() != generation || !pending.contains(&state.phase())
            });
        }
    }
}

impl Telling {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(self: &Arc<Telling>, data: &Arc<Data>) -> Result<Told> {
        let mut state = self.state();
        if state.told.contains_key(&data.id) {
            return Ok(Told::Before);
        }
        let Some(link) = &state.link else {
            return Ok(Told::Later(std::io::Error::from_raw_os_error(libc::ECONNRESET)));
        };
        match share(link, data) {
            Ok(()) => {}
            Err(why) if is_momentary(&why) => return Ok(Told::Later(why)),
            // Its successor is handed all that was told.
            Err(why) if control::says_gone(&why) => {}
            Err(why) => return Err(Error::os("sendmsg", why)),
        }
        state.told.insert(data.id, Arc::downgrade(data));
        drop(state);
        data.told().push(Arc::downgrade(self));
        Ok(Told::Now)
    }

    /// The data is dropped.
    pub(crate) fn let_go(&self, id: u64) {
        // In a fork of the client the supervisor is the parent's.
        if fork_guard::in_forked_child(self.made_in) {
            return;
        }
        {
            let mut state = self.state();
            state.told.remove(&id);
            state.gone.push(id);
        }
        // What is left after that goes with the next word, or with the patrol's next round.
        for _ in 0..TRIES {
            if self.flush() {
                return;
            }
            std::thread::sleep(AGAIN);
        }
    }

    /// Tells the supervisor what is gone; whether it was told all.
    fn flush(&self) -> bool {
        let mut state = self.state();
        let State { link: Some(link), gone, .. } = &mut *state else { return true };
        while !gone.is_empty() {
            let rest = gone.split_off(gone.len().min(AT_ONCE));
            let told = link.try_tell(&Order::LetGo { ids: gone.clone() }, &[]);
            if told.is_err_and(|why| is_momentary(&why)) {
                gone.extend(rest);
                return false;
            }
            *gone = rest;
        }
        true
    }

    /// All that lives, for the next supervisor; nobody is told anything until that is [there](Self::attach).
    pub(in crate::processes) fn hand_over(&self) -> Vec<Arc<Data>> {
        let mut state = self.state();
        state.link = None;
        // A supervisor that never heard of it need not forget it.
        state.gone.clear();
        state.told.values().filter_map(Weak::upgrade).collect()
    }

    /// There is a supervisor, which knows all that was handed over; or there will be none any more.
    pub(in crate::processes) fn attach(&self, link: Option<Arc<Link>>) {
        self.state().link = link;
        self.flush();
    }
}

/// Passes one descriptor on.
pub(in crate::processes) fn share(link: &Link, data: &Data) -> std::io::Result<()> {
    let order = Order::Share { id: data.id, len: data.len() };
    match data.file() {
        Some(file) => link.try_tell(&order, &[file.as_fd()]),
        None => Ok(()),
    }
}

/// Whether it may go through a moment later: the queue is full, or too many descriptors are on their way.
pub(in crate::processes) fn is_momentary(why: &std::io::Error) -> bool {
    matches!(why.raw_os_error(), Some(libc::EAGAIN | libc::ETOOMANYREFS | libc::ENOBUFS))
}
