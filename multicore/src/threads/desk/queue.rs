//! Calls that wait for a thread: higher priorities first, those that nobody waits for after all others, and each
//! kind in the order of arrival.

use std::collections::VecDeque;
use std::sync::Arc;

use super::calls::Queued;
use crate::shm::word::Rank;
use crate::threads::work::Work;

const LEVELS: usize = (*Rank::LEVELS.end() - *Rank::LEVELS.start() + 1) as usize;

pub(super) struct Queue {
    lanes: [VecDeque<Queued>; 2 * LEVELS],
    len: usize,
}

impl Queue {
    pub(super) fn new() -> Queue {
        Queue { lanes: std::array::from_fn(|_| VecDeque::new()), len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn put(&mut self, rank: Rank, queued: Queued) {
        let below = (*Rank::LEVELS.end() - rank.level) as usize;
        self.lanes[below + if rank.background { LEVELS } else { 0 }].push_back(queued);
        self.len += 1;
    }

    /// The next one; one that nobody waits for only where there is room for it.
    pub(super) fn take(&mut self, background: bool) -> Option<Queued> {
        if self.len == 0 {
            return None;
        }
        let lanes = if background { 2 * LEVELS } else { LEVELS };
        let next = self.lanes[..lanes].iter_mut().find_map(VecDeque::pop_front)?;
        self.len -= 1;
        Some(next)
    }

    /// Takes one out of its turn.
    pub(super) fn remove(&mut self, work: &Arc<Work>) -> Option<Queued> {
        let found = self.lanes.iter_mut().find_map(|lane| {
            let at = lane.iter().position(|queued| Arc::ptr_eq(&queued.work, work))?;
            lane.remove(at)
        })?;
        self.len -= 1;
        Some(found)
    }

    /// Takes all of them.
    pub(super) fn drain(&mut self) -> Vec<Queued> {
        self.len = 0;
        self.lanes.iter_mut().flat_map(std::mem::take).collect()
    }
}
