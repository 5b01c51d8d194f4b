//! The word of one cell of a queue: who may touch the item in it, and in which lap of the queue.
//!
//! ```text
//! 63            16 15       2 1    0
//! [     lap      ] [ owner ] phase
//! ```
//!
//! A word only grows, by compare-and-swap alone: a lap has four phases, and the next lap begins with the first of
//! them. So a process that dies between two instructions leaves a word that says how far it came.
//!
//! | verb | from → to | who | if that process dies right here |
//! |---|---|---|---|
//! | `fill` | free → filling | producer | whoever waits [`skip`s](super::ring::Ring::skip) the cell |
//! | `commit` | filling → full | producer | the item stands; who sleeps sees it at its next look |
//! | `skip` | filling → free, a lap on | producer, or who waits | as above |
//! | `take` | full → taking | consumer | a consumer that waits [`takes it over`](super::ring::Ring::take_over) |
//! | `take_over` | taking → taking, another owner | consumer that waits | as above |
//! | `release` | taking → free, a lap on | consumer | the item is gone, with whoever has just taken it |
//!
//! Orderings: every swap is `AcqRel`. What `commit` releases (the item) `take` acquires; what `release` releases
//! (the reader is through) `fill` acquires.

/// Where a cell is in its lap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Step {
    Free = 0,
    Filling = 1,
    Full = 2,
    Taking = 3,
}

const STEP_BITS: u32 = 2;
const OWNER_BITS: u32 = 14;
const LAP_BITS: u32 = 64 - STEP_BITS - OWNER_BITS;
const LAP_SHIFT: u32 = STEP_BITS + OWNER_BITS;

/// One look at a cell's word.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Cell(pub(super) u64);

impl Cell {
    /// A cell in this lap.
    #[inline]
    pub(crate) fn at(lap: u64, step: Step, owner: u16) -> Cell {
        let owner = u64::from(owner) & ((1 << OWNER_BITS) - 1);
        Cell(lap << LAP_SHIFT | owner << STEP_BITS | step as u64)
    }

    #[inline]
    pub(crate) fn step(self) -> Step {
        [Step::Free, Step::Filling, Step::Full, Step::Taking][(self.0 & 3) as usize]
    }

    /// Who fills it, or takes from it: a place in the table of owners, or beyond it where the word is forged.
    #[inline]
    pub(crate) fn owner(self) -> usize {
        (self.0 >> STEP_BITS) as usize & ((1 << OWNER_BITS) - 1)
    }

    /// How many laps the cell is ahead of `lap`; less than none where it is behind.
    #[inline]
    pub(crate) fn ahead_of(self, lap: u64) -> i64 {
        // Both have as many bits, and wrap around together.
        (((self.0 >> LAP_SHIFT).wrapping_sub(lap)) << (64 - LAP_BITS)) as i64 >> (64 - LAP_BITS)
    }

    /// The same cell, one step on, or in other hands.
    #[inline]
    pub(crate) fn with(self, step: Step, owner: u16) -> Cell {
        Cell::at(self.0 >> LAP_SHIFT, step, owner)
    }

    /// The beginning of the next lap.
    #[inline]
    pub(crate) fn next(self) -> Cell {
        Cell::at((self.0 >> LAP_SHIFT).wrapping_add(1), Step::Free, 0)
    }
}

impl std::fmt::Debug for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}({}, {})", self.step(), self.0 >> LAP_SHIFT, self.owner())
    }
}
