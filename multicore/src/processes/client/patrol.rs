//! The patrol: what those who wait look at ten times a second, so that no forged word, no cleared hint
//! and no stopped process lets them wait for ever.
//!
//! A round looks at every slot, by the client's own clock: a flood of wake-ups that bring nothing keeps
//! nobody from it. One thread makes it for all. Whoever waits, polls or finds no slot takes part, so a
//! round is made whenever somebody in the client wants something of the pool, and never otherwise.
//!
//! | a call that is, for two rounds | because | what is done |
//! |---|---|---|
//! | ready | its hint is gone, or a stopped worker swallowed the wake-up | hint set, all workers woken |
//! | claimed | its owner is stopped, or never claimed it | taken back; woken as above |
//! | running, and its owner runs another | the word was forged | poison |
//! | running far beyond its limit, once or in all its runs | a deadline was forged, or nobody looks at it | the supervisor looks, then poison |
//! | being emptied by the supervisor, for ten seconds | it was stopped, or the word was forged | poison |
//! | not free, in a slot that nobody holds | the word was forged | the slot is freed |
//! | free | its hint is gone | hint set |
//!
//! A word that is impossible at one look is poison at once. To poison is to end every process of the
//! pool; what had begun is `Died`, what had not runs under the next supervisor.

use std::sync::TryLockError;
use std::sync::atomic::Ordering::{Acquire, Relaxed};
use std::time::Duration;

use crate::processes::client::Client;
use crate::processes::clock;
use crate::processes::queue;
use crate::processes::repair::wake_workers;
use crate::processes::worker::progress;
use crate::shm::word::{Phase, Requeued, State, Word};

/// From one round to the next, and so the longest sleep without a look at the supervisor.
pub(crate) const ROUND: Duration = Duration::from_millis(100);
/// A gap between two rounds counts for this at most: the whole client may have been stopped.
const LONGEST_GAP: Duration = Duration::from_secs(1);
/// How long a call may run before its owner is asked whether it does.
const LONG: Duration = Duration::from_secs(2);
/// How much later than promised a call may be ended before the supervisor is reminded, and as long
/// again before it is not believed any more.
const LATE: Duration = Duration::from_secs(2);

/// What the rounds so far saw.
pub(in crate::processes) struct Patrol {
    sights: Box<[Sight]>,
}

/// How long a slot has looked the same.
#[derive(Clone, Copy, Default)]
struct Sight {
    /// The word, and the limit of the call.
    of: Option<(State, u64)>,
    rounds: u32,
    age: Duration,
    /// How long the call was in some worker's hands, whoever's and however often it was begun.
    begun: Duration,
    /// Whether it is said to run, and its owner said otherwise at the last look.
    doubtful: bool,
}

impl Patrol {
    pub(in crate::processes) fn of(slots: usize) -> Patrol {
        Patrol { sights: vec![Sight::default(); slots].into() }
    }
}

impl Sight {
    /// The sight of this round; `gap` is the time since the last.
    fn again(self, of: (State, u64), gap: Duration) -> Sight {
        let (word, limit) = of;
        let same_call =
            self.of.is_some_and(|(before, of)| (before.generation(), of) == (word.generation(), limit));
        let begun = match word.phase() {
            Some(Phase::Claimed | Phase::Running) if same_call => self.begun + gap,
            _ if same_call => self.begun,
            _ => Duration::ZERO,
        };
        match self.of {
            Some(before) if before == of => {
                Sight { rounds: self.rounds + 1, age: self.age + gap, begun, ..self }
            }
            _ => Sight { of: Some(of), rounds: 1, begun, ..Sight::default() },
        }
    }
}

/// What a slot needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Need {
    Nothing,
    /// A worker that looks around.
    Worker,
    /// Somebody who looks whether it has to be ended.
    Look,
    /// The end of whoever wrote this.
    Poison,
}

impl Client {
    /// How long somebody may sleep who then goes on [`patrol`](Client::patrol).
    pub(in crate::processes) fn until_next_round(&self) -> Duration {
        let since = Duration::from_nanos(clock::now().saturating_sub(self.patrolled.load(Relaxed)));
        // Nobody waited lately: the first round of a wait is not at its start.
        if since >= ROUND { ROUND } else { ROUND - since }
    }

    /// Makes a round if the last one is a while ago and nobody else is at it.
    #[inline]
    pub(in crate::processes) fn patrol(&self) {
        let (now, last) = (clock::now(), self.patrolled.load(Relaxed));
        let gap = Duration::from_nanos(now.saturating_sub(last));
        if gap >= ROUND && self.patrolled.compare_exchange(last, now, Relaxed, Relaxed).is_ok() {
            self.make_round(gap);
        }
    }

    #[cold]
    fn make_round(&self, gap: Duration) {
        if !self.is_here() {
            return;
        }
        self.look_after_supervisor();
        self.let_go_of_shares();
        self.let_go_of_results();
        let mut patrol = match self.patrol.try_lock() {
            Ok(patrol) => patrol,
            Err(TryLockError::Poisoned(patrol)) => patrol.into_inner(),
            // The last round is not through.
            Err(TryLockError::WouldBlock) => return,
        };
        let (mut wake, mut look) = (false, false);
        for slot in 0..self.seats.len() {
            match self.visit(slot, &mut patrol.sights[slot], gap.min(LONGEST_GAP)) {
                Need::Nothing => {}
                Need::Worker => wake = true,
                Need::Look => look = true,
                Need::Poison => {
                    let word = || self.region.slot(slot).state.state().without_flags();
                    let found = word();
                    // No slot is in the same hands afterwards.
                    return self.poison(|| word() != found);
                }
            }
        }
        if wake {
            // One that is at work takes no notice; one that sleeps in spite of what the words say
            // finds out.
            wake_workers(&self.region);
            self.ring();
        }
        if look {
            self.ask_supervisor_to_look();
        }
    }

    /// Looks at one slot and does what can be done to it alone.
    fn visit(&self, slot: usize, sight: &mut Sight, gap: Duration) -> Need {
        let (held, seen) = self.look(slot);
        if self.is_impossible(crate::processes::client::settle::generation(held), seen) {
            return Need::Poison;
        }
        let limit = self.seats[slot].limit.load(Relaxed);
        *sight = sight.again((seen.without_flags(), limit), gap);
        if let Some(most) = self.bound_retries(slot) {
            self.bound_in_supervisor(slot as u32, seen.generation(), most);
        }
        if self.is_endless(slot, limit, sight) {
            return Need::Poison;
        }
        if sight.rounds < 2 {
            return Need::Nothing;
        }
        match seen.phase() {
            Some(Phase::Free) if held == 0 => {
                self.region.free().insert(slot);
                Need::Nothing
            }
            Some(Phase::Ready) => self.offer(slot),
            Some(Phase::Claimed) => match self.region.slot(slot).state.take_back(seen) {
                Requeued::Ready => self.offer(slot),
                Requeued::TooOften => Need::Poison,
                Requeued::NotMine => Need::Nothing,
            },
            Some(Phase::Running) => self.question(slot, seen, sight),
            Some(_) if held == 0 && seen.is_cooling() => {
                // Freed by the patrol, and reserved, it would be emptied under the next call.
                if sight.age > 5 * LATE { Need::Poison } else { Need::Nothing }
            }
            Some(_) if held == 0 => {
                // Nobody here will ever come back to it, or finds its generation gone when he does.
                if self.region.slot(slot).state.reset(seen, seen.generation()) {
                    self.region.free().insert(slot);
                    progress(&self.region, 1);
                }
                Need::Nothing
            }
            _ => Need::Nothing,
        }
    }

    /// Sets the hint of a ready call.
    fn offer(&self, slot: usize) -> Need {
        queue::remind(&self.region, slot, self.region.slot(slot).state.state());
        Need::Worker
    }

    /// Whether a running call really runs, and still may.
    fn question(&self, slot: usize, seen: State, sight: &mut Sight) -> Need {
        // Set before the call begins, something else after it is finished: where it says something else
        // while the word stays the same, the owner does not run this call. Acquire meets the Release of
        // those stores (`an_owner_that_runs_its_call_is_never_doubted`). Twice, because a call that is run again may come back to the same owner.
        let current = self.region.worker(usize::from(seen.owner())).current.load(Acquire);
        let still = self.region.slot(slot).state.state().without_flags() == seen.without_flags();
        let doubted = std::mem::replace(&mut sight.doubtful, still && current as usize != slot + 1);
        if doubted && sight.doubtful {
            return Need::Poison;
        }
        let limit = self.seats[slot].limit.load(Relaxed);
        match sight.age.checked_sub(self.once(limit)) {
            Some(late) if limit != 0 && late > LATE => Need::Poison,
            Some(_) if limit != 0 => Need::Look,
            // Its owner may be asleep, and somebody wrote that it runs: woken, it says otherwise.
            _ if sight.age > LONG => Need::Worker,
            _ => Need::Nothing,
        }
    }

    /// Whether a call with a limit goes on longer than all its runs together may: then it is begun again and
    /// again, or its word never the same for two rounds.
    fn is_endless(&self, slot: usize, limit: u64, sight: &Sight) -> bool {
        let runs = self.seats[slot].retries.load(Relaxed).saturating_add(1);
        limit != 0 && sight.begun > self.once(limit).saturating_mul(runs).saturating_add(LATE)
    }

    /// How long a call with this limit may take to be over, once.
    fn once(&self, limit: u64) -> Duration {
        Duration::from_nanos(limit).saturating_add(self.settings.grace).saturating_add(LATE)
    }
}

#[cfg(test)]
pub(in crate::processes::client) mod test;
