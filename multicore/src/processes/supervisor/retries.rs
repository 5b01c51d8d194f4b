//! How often calls may still be run again, in memory that no worker reaches.
//!
//! The header says it, and a worker may write there: one that has its own call run again and again would keep
//! its caller waiting for ever. So the supervisor counts down by itself from what it saw at a call's first
//! death, and the client, which alone knows what was granted, tells it where the header says more
//! ([`patrol`](crate::processes::client::patrol)).

use std::sync::atomic::Ordering::Relaxed;

use crate::shm::region::Region;
use crate::shm::word::{Phase, Word};

/// For each slot the last call that died here, and how often it may be run again.
pub(in crate::processes) struct Retries(Vec<(u32, u32)>);

impl Retries {
    pub(in crate::processes) fn new(slots: usize) -> Retries {
        Retries(vec![(0, 0); slots])
    }

    /// Puts the counts right of what a dead worker ran, before it is settled.
    pub(in crate::processes) fn count(&mut self, region: &Region, worker: u16) {
        for (slot, known) in self.0.iter_mut().enumerate() {
            let header = region.slot(slot);
            let state = header.state.state();
            if state.phase() != Some(Phase::Running) || state.owner() != worker {
                continue;
            }
            let said = header.retries.load(Relaxed);
            let left = if known.0 == state.generation() { said.min(known.1) } else { said };
            header.retries.store(left, Relaxed);
            *known = (state.generation(), left.saturating_sub(1));
        }
    }

    /// The client says that a call was granted no more than this.
    pub(in crate::processes) fn bound(&mut self, slot: u32, generation: u32, most: u32) {
        if let Some(known) = self.0.get_mut(slot as usize) {
            let left = if known.0 == generation { known.1.min(most) } else { most };
            *known = (generation, left);
        }
    }
}

#[cfg(test)]
mod test {
    use super::*;
    use crate::processes::map;
    use crate::processes::repair::{self, Death};
    use crate::shm::layout::Geometry;

    /// How often a call runs whose worker writes `forged` before each of its deaths, of which the first is
    /// before the client says that `granted` are allowed, unless it never does.
    fn runs(forged: u32, granted: Option<u32>) -> u32 {
        let (region, _file) = map::make(Geometry { slots: 1, workers: 1, window: 4096 }).unwrap();
        let (word, mut retries) = (region.slot(0).state, Retries::new(1));
        let generation = word.reserve().unwrap();
        assert!(word.publish(generation));
        for run in 1..1000 {
            assert!(word.claim(0) && word.begin(0));
            region.slot(0).retries.store(forged, Relaxed);
            retries.count(&region, 0);
            repair::after_death(&region, &Death::unseen(&region, 0));
            if word.state().phase() == Some(Phase::Died) {
                return run;
            }
            if let Some(most) = granted {
                retries.bound(0, generation, most);
            }
        }
        1000
    }

    #[test]
    fn a_count_that_is_set_back_each_time_goes_down_all_the_same() {
        assert_eq!([runs(0, None), runs(1, None), runs(5, None)], [1, 2, 6]);
    }

    #[test]
    fn a_count_that_nobody_granted_is_bounded_once_the_client_says_so() {
        assert_eq!([runs(u32::MAX, Some(0)), runs(u32::MAX, Some(3))], [2, 5]);
        assert_eq!(runs(u32::MAX, None), 1000);
    }
}
