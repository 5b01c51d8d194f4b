//! Settling calls that nobody runs any more, and noticing words that nobody here wrote; both beside
//! client threads that go on reserving, collecting and forgetting.
//!
//! Whoever settles holds the lock of the kept outcomes all the while, so that a thread which finds its
//! call gone from its slot waits there for what became of it.

use std::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};

use crate::processes::client::collect::Kept;
use crate::processes::client::life::Loss;
use crate::processes::client::{Client, HELD, Ticket};
use crate::processes::worker::{wake_sleepers, wake_waiters};
use crate::shm::word::{Phase, State, Word};

impl Client {
    /// Settles every call that is still under way, when nobody is left to run it.
    pub(crate) fn settle_all(&self, loss: &Loss) {
        self.settle(loss, |held, seen| {
            held.is_some_and(|generation| {
                seen.generation() != generation
                    || !matches!(
                        seen.phase(),
                        Some(Phase::Done | Phase::Died | Phase::Collecting | Phase::Filling)
                    )
            })
        });
        for slot in 0..self.seats.len() {
            wake_waiters(&self.region, slot);
        }
        wake_sleepers(&self.region);
    }

    /// With every process dead: settles calls whose words make no sense.
    pub(crate) fn settle_impossible(&self) {
        self.settle(&Loss::Garbled, |held, seen| {
            // Its supervisor was about to empty the slot.
            self.is_impossible(held, seen) || held.is_none() && seen.is_cooling()
        });
        for slot in 0..self.seats.len() {
            let _ = self.bound_retries(slot);
        }
    }

    /// The header's count of retries goes down, and never up: a call that dies each time it is run would
    /// be run for ever. What was granted, if the header said more.
    pub(in crate::processes) fn bound_retries(&self, slot: usize) -> Option<u32> {
        let most = self.seats[slot].retries.load(Relaxed);
        let count = &self.region.slot(slot).retries;
        (count.load(Relaxed) > most).then(|| {
            count.store(most, Relaxed);
            most
        })
    }

    /// Whether a worker wrote over this word: nobody here leaves it like that, not even for a moment.
    pub(in crate::processes) fn is_impossible(&self, held: Option<u32>, seen: State) -> bool {
        match seen.phase() {
            None => true,
            Some(Phase::Free) => held.is_some(),
            Some(Phase::Claimed | Phase::Running) if usize::from(seen.owner()) >= self.settings.workers => {
                true
            }
            Some(_) => held.is_some_and(|generation| seen.generation() != generation),
        }
    }

    /// The seat and the word of a slot at one moment.
    ///
    /// A seat never holds the same generation twice, so one that reads the same before and after the
    /// word did not change in between. With the two read one after the other, a slot that another
    /// thread released and reserved meanwhile would look as if a worker had written over it.
    pub(in crate::processes) fn look(&self, slot: usize) -> (u64, State) {
        loop {
            let held = self.seats[slot].held.load(Acquire);
            // The word is read with Acquire, so the seat's second load stays behind it.
            let seen = self.region.slot(slot).state.state();
            if self.seats[slot].held.load(Relaxed) == held {
                return (held, seen);
            }
        }
    }

    fn settle(&self, loss: &Loss, doomed: impl Fn(Option<u32>, State) -> bool) {
        let mut kept = self.kept();
        for slot in 0..self.seats.len() {
            loop {
                let (held, seen) = self.look(slot);
                let ours = generation(held);
                if !doomed(ours, seen) {
                    break;
                }
                let next = ours.unwrap_or(seen.generation());
                if !self.region.slot(slot).state.reset(seen, next) {
                    continue;
                }
                if let Some(generation) = ours {
                    self.count_loss(slot, loss);
                    kept.insert(Ticket { slot: slot as u32, generation }, Kept::Lost(loss.clone()));
                    // Unless its handle was dropped just now, and somebody else sits there already.
                    let _ = self.seats[slot].held.compare_exchange(held, 0, SeqCst, SeqCst);
                }
                self.region.free().insert(slot);
                break;
            }
        }
    }
}

pub(in crate::processes) fn generation(held: u64) -> Option<u32> {
    (held & HELD != 0).then_some(held as u32)
}
