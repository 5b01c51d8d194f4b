//! Inputs, taken from their iterator as they are needed, so many to a call.

use std::time::Duration;

use serde::Serialize;

use crate::codec;

/// How long a call's inputs are to take: long enough that its runs are worth merging, short enough that all
/// workers end together.
const TARGET: Duration = Duration::from_millis(150);
/// The most bytes of inputs in one call, unless one input has more; half of what a payload may have where that is less.
const MOST_BYTES: usize = 1 << 20;
/// The most inputs in one call.
const MOST: usize = 1 << 16;

pub(super) struct Inputs<I: Iterator> {
    inputs: I,
    /// The one that was too much for the last call.
    next: Option<I::Item>,
    most_bytes: usize,
    target: Duration,
    /// How many go into the next call.
    size: usize,
    workers: usize,
    pan: Vec<u8>,
}

impl<I: Iterator<Item: Serialize>> Inputs<I> {
    /// `timeout` is that of a call, and `payload_limit` that of its pool.
    pub(super) fn new(inputs: I, workers: usize, timeout: Option<Duration>, payload_limit: u64) -> Self {
        let target = timeout.map_or(TARGET, |timeout| TARGET.min(timeout / 4));
        let most_bytes = usize::try_from(payload_limit / 2).map_or(MOST_BYTES, |half| half.min(MOST_BYTES));
        Inputs { inputs, next: None, most_bytes, target, size: 1, workers, pan: Vec::new() }
    }

    /// The inputs of the next call; none at the end.
    pub(super) fn take(&mut self) -> Vec<I::Item> {
        let mut taken = Vec::new();
        let mut bytes = 0;
        while taken.len() < self.size {
            let Some(input) = self.next.take().or_else(|| self.inputs.next()) else { break };
            self.pan.clear();
            // What does not encode here, such as shared data, is small; or the call will say so.
            let _ = codec::append(&input, &mut self.pan);
            bytes += self.pan.len();
            if bytes > self.most_bytes && !taken.is_empty() {
                self.next = Some(input);
                break;
            }
            taken.push(input);
        }
        taken
    }

    /// Learns how long so many took.
    pub(super) fn learn(&mut self, inputs: usize, took: Duration) {
        let each = (took.as_nanos() / inputs.max(1) as u128).max(1);
        let worth = usize::try_from(self.target.as_nanos() / each).unwrap_or(usize::MAX);
        // Towards the end, where that is known, less: no worker shall have the last ones all alone.
        let left = self.inputs.size_hint().1.unwrap_or(usize::MAX);
        let share = left.div_ceil(2 * self.workers);
        self.size = worth.min(share).min(2 * self.size).clamp(1, MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_grow_while_they_are_short_and_shrink_at_the_end() {
        let mut inputs = Inputs::new(0..100u32, 2, None, u64::MAX);
        let mut sizes = Vec::new();
        loop {
            let taken = inputs.take();
            if taken.is_empty() {
                break;
            }
            sizes.push(taken.len());
            inputs.learn(taken.len(), Duration::from_micros(1));
        }
        assert_eq!(sizes, [1, 2, 4, 8, 16, 18, 13, 10, 7, 6, 4, 3, 2, 2, 1, 1, 1, 1]);
    }

    #[test]
    fn long_and_large_inputs_go_one_by_one() {
        let mut inputs = Inputs::new(std::iter::repeat(1u8), 2, None, u64::MAX);
        inputs.size = 64;
        inputs.learn(1, TARGET);
        assert_eq!(inputs.take().len(), 1);
        let mut inputs = Inputs::new(std::iter::repeat_n("x".repeat(MOST_BYTES), 3), 1, None, u64::MAX);
        inputs.size = 3;
        assert_eq!([(); 4].map(|()| inputs.take().len()), [1, 1, 1, 0]);
    }

    #[test]
    fn a_call_takes_half_of_what_a_payload_may_have() {
        let mut inputs = Inputs::new(0..100u64, 1, None, 800);
        inputs.size = 1000;
        assert_eq!([(); 3].map(|()| inputs.take()), [(0..50).collect(), (50..100).collect(), vec![]]);
    }
}
