//! Waiting for room or for an item, and seeing to what the dead left meanwhile.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use super::Blocked;
use super::channel::Channel;
use super::owner::Identity;
use crate::error::Result;
use crate::processes::client::patrol::ROUND;
use crate::processes::clock;
use crate::shm::bell::Bell;
use crate::shm::cell::Step;
use crate::shm::region::futex_half;
use crate::shm::ring::{NoTurn, Turn};
use crate::sys::fault::point;
use crate::sys::futex::{self, Wait};

/// How long one waits.
#[derive(Clone, Copy, Debug)]
pub(super) enum Until {
    /// Not at all.
    Now,
    Then(Instant),
    Ever,
}

/// Who waits.
#[derive(Clone, Copy, PartialEq)]
enum Side {
    Producer = 0,
    Consumer = 1,
}

impl Until {
    /// So much from now on, which may be beyond the end of time.
    pub(super) fn after(timeout: Duration) -> Until {
        Instant::now().checked_add(timeout).map_or(Until::Ever, Until::Then)
    }

    fn left(self) -> Duration {
        match self {
            Until::Now => Duration::ZERO,
            Until::Then(then) => then.saturating_duration_since(Instant::now()),
            Until::Ever => Duration::MAX,
        }
    }
}

impl Channel {
    /// Puts an item in; waits until there is room.
    pub(super) fn push(&self, bytes: &[u8], until: Until) -> Result<(), Blocked> {
        let owner = self.place()?;
        let bell = self.space.room();
        let own = &self.space.owners()[usize::from(owner)].for_room;
        let look = || self.look(owner, Side::Producer).map(|_| None);
        let ready = || self.space.ring().has_room();
        self.wait(&bell, own, until, || self.fill(bytes, owner), ready, || self.if_due(Side::Producer, look))
    }

    /// Takes an item out; waits until there is one.
    pub(super) fn pop(&self, until: Until) -> Result<Vec<u8>, Blocked> {
        let owner = self.place()?;
        let bell = self.space.items();
        let own = &self.space.owners()[usize::from(owner)].for_items;
        let look = || match self.look(owner, Side::Consumer)? {
            Some(turn) => self.empty(turn).transpose(),
            None => Ok(None),
        };
        let ready = || self.space.ring().has_item();
        let now_and_then = || self.if_due(Side::Consumer, look);
        match self.wait(&bell, own, until, || self.take(owner), ready, now_and_then) {
            // What a dead consumer had in hand is still to be taken.
            Err(Blocked::Closed) => look()?.ok_or(Blocked::Closed),
            other => other,
        }
    }

    /// Tries until it works or the time is up. `look` is for what the dead left, and may come by something.
    fn wait<R>(
        &self,
        bell: &Bell<'_, AtomicU64>,
        own: &AtomicU64,
        until: Until,
        attempt: impl Fn() -> Result<R, Blocked>,
        ready: impl Fn() -> bool,
        look: impl Fn() -> Result<Option<R>, Blocked>,
    ) -> Result<R, Blocked> {
        loop {
            match attempt() {
                Err(Blocked::NotNow) => {}
                done => return done,
            }
            // Also one that others wake again and again.
            if let Some(found) = look()? {
                return Ok(found);
            }
            let left = until.left();
            if left.is_zero() {
                return attempt();
            }
            let was_closed = self.is_closed();
            if self.spin.until(0, left, || ready() || self.is_closed() != was_closed) {
                continue;
            }
            let asleep = bell.lie_down(own);
            point("queue-asleep");
            let tried = attempt();
            if matches!(tried, Err(Blocked::NotNow)) {
                let since = clock::now();
                let slept = futex::wait(futex_half(bell.rings), asleep.seen, Some(left.min(ROUND)));
                if slept != Wait::TimedOut {
                    self.spin.slept(clock::now().saturating_sub(since));
                }
            }
            bell.get_up(own, asleep);
            match tried {
                Err(Blocked::NotNow) => {}
                done => return done,
            }
        }
    }

    /// Looks, unless this process has looked lately: also if it comes again and again and never sleeps.
    fn if_due<R>(
        &self,
        side: Side,
        look: impl FnOnce() -> Result<Option<R>, Blocked>,
    ) -> Result<Option<R>, Blocked> {
        let (looked, now) = (&self.looked[side as usize], clock::now());
        let last = looked.load(Relaxed);
        let is_due = now.saturating_sub(last) >= clock::nanoseconds(ROUND);
        if is_due && looked.compare_exchange(last, now, Relaxed, Relaxed).is_ok() { look() } else { Ok(None) }
    }

    /// Sees to what the dead left: skips the cells that they filled, takes over what they took, if it is a
    /// consumer that looks, and forgets them.
    fn look(&self, owner: u16, side: Side) -> Result<Option<Turn>, Blocked> {
        let ring = self.space.ring();
        for (turn, step, by) in ring.claimed() {
            if !self.is_dead(by)? {
                continue;
            }
            if step == Step::Filling {
                if ring.skip(turn) {
                    point("queue-skipped");
                    self.wake(&self.space.items());
                    self.wake(&self.space.room());
                }
            } else if side == Side::Consumer
                && let Some(turn) = ring.take_over(turn, owner)
            {
                point("queue-taken-over");
                return Ok(Some(turn));
            }
        }
        self.bury_the_dead();
        Ok(None)
    }

    /// Whether who has this place in the table is dead.
    fn is_dead(&self, at: usize) -> Result<bool, Blocked> {
        let owner = self.space.owners().get(at).ok_or(Blocked::Broken)?;
        Ok(Identity(owner.identity.load(Relaxed)).is_dead())
    }

    /// Makes the places of dead processes free again, where no cell names them.
    pub(super) fn bury_the_dead(&self) {
        for (at, owner) in self.space.owners().iter().enumerate() {
            let dead = Identity(owner.identity.load(Relaxed));
            // Looked for in this order: one that is dead claims no further cell.
            let is_dead = dead.0 != 0 && dead.is_dead();
            if !is_dead || self.space.ring().claimed().any(|(_, _, by)| by == at) {
                continue;
            }
            // Taken first, so that nobody counts sleepers of his own in it meanwhile; who dies right here is the
            // next one to be buried.
            let own = Identity::own();
            if self.swap_owner(at, dead, own) {
                self.space.items().forget(&owner.for_items);
                self.space.room().forget(&owner.for_room);
                point("queue-buried");
                self.swap_owner(at, own, Identity(0));
            }
        }
    }

    /// Whether nothing more is accepted.
    pub(crate) fn is_closed(&self) -> bool {
        crate::shm::word::Atomic64::load(self.space.ring().closed) != 0
    }

    /// How many items there are, about.
    pub(crate) fn len(&self) -> usize {
        self.space.ring().len()
    }
}

impl From<NoTurn> for Blocked {
    fn from(why: NoTurn) -> Blocked {
        match why {
            NoTurn::NotNow => Blocked::NotNow,
            NoTurn::Closed => Blocked::Closed,
            NoTurn::Broken => Blocked::Broken,
        }
    }
}
