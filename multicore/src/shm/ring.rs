//! A bounded queue on memory that it is given: many producers and many consumers, and no lock that a dead
//! process could hold.
//!
//! Positions are counted from 0 on. Position *p* is cell `p % n` in its lap `p / n`, and the cell's word
//! ([`cell`](super::cell)) alone says who has it. The two counters, where producers and consumers stand, follow:
//! whoever claims a position moves the counter past it, and whoever finds the position claimed and the counter not
//! moved does it instead. So nothing waits for a process that died between the two.
//!
//! **In turn.** A producer claims the position that the tail names, if its cell is free in that lap. The tail names
//! it only after the one before was claimed; so positions are claimed one by one, whoever helps. A consumer claims
//! the position that the head names, if it is full; while it is still being filled, the consumers wait for it.
//!
//! **Closed.** A producer that has claimed a cell looks whether the queue is closed, and skips the cell then. A consumer
//! that finds the cell at the head free looks whether the queue is closed, and if so looks at the cell once more. A fence
//! stands between the two looks on both sides. So either the consumer sees the claim, and waits for what comes of
//! it; or the producer sees that the queue is closed. Nothing is accepted that nobody would take.
//!
//! What other processes wrote is not believed: a word that the steps above cannot lead to is [`NoTurn::Broken`].

use super::cell::{Cell, Step};
use super::hint::Bits;
use super::word::Atomic64;

/// What the words of a queue are made of: real atomics, or a model checker's.
pub(crate) trait Word64: Atomic64 + Bits {}
impl<A: Atomic64 + Bits> Word64 for A {}

/// The words of one queue.
pub(crate) struct Ring<'a, A, C> {
    /// How many positions have been claimed by producers.
    pub(crate) tail: &'a A,
    /// How many positions consumers have claimed, or found skipped.
    pub(crate) head: &'a A,
    /// Not 0: nothing more is accepted.
    pub(crate) closed: &'a A,
    /// At least one.
    pub(crate) cells: &'a [C],
}

/// A position that this process has claimed: its cell, and the word that says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a claimed cell holds up everybody"]
pub(crate) struct Turn {
    pub(crate) cell: usize,
    pub(super) word: Cell,
}

/// Why there is no position to claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoTurn {
    /// For a producer: every cell is taken. For a consumer: nothing is there, or it is still being filled.
    NotNow,
    /// Nothing is accepted; for a consumer: and nothing is left.
    Closed,
    /// The words make no sense: somebody wrote over them.
    Broken,
}

/// Tries before a counter that never stays still is called broken. Each is lost to somebody who got on.
const TRIES: u32 = 1 << 20;

impl<A: Word64, C: AsRef<A>> Ring<'_, A, C> {
    fn word(&self, cell: usize) -> &A {
        self.cells[cell].as_ref()
    }

    /// The cell and the lap of a position, and what the cell's word is.
    #[inline]
    fn look(&self, position: u64) -> (usize, u64, Cell) {
        let cells = self.cells.len() as u64;
        let cell = (position % cells) as usize;
        (cell, position / cells, Cell(self.word(cell).load()))
    }

    /// Moves a counter past a position that is claimed, unless somebody has.
    #[inline]
    fn pass(counter: &A, position: u64) {
        let _ = counter.swap_if(position, position.wrapping_add(1));
    }

    fn swap(&self, turn: Turn, to: Cell) -> bool {
        self.word(turn.cell).swap_if(turn.word.0, to.0).is_ok()
    }

    /// Producer: claims the next position, to [`commit`](Ring::commit) it or to [`skip`](Ring::skip) it.
    #[inline]
    pub(crate) fn fill(&self, owner: u16) -> Result<Turn, NoTurn> {
        if self.closed.load() != 0 {
            return Err(NoTurn::Closed);
        }
        for _ in 0..TRIES {
            let tail = self.tail.load();
            let (cell, lap, seen) = self.look(tail);
            match (seen.ahead_of(lap), seen.step()) {
                (0, Step::Free) => {
                    let claimed = Turn { cell, word: seen.with(Step::Filling, owner) };
                    if self.word(cell).swap_if(seen.0, claimed.word.0).is_err() {
                        continue;
                    }
                    Self::pass(self.tail, tail);
                    A::meet();
                    if self.closed.load() != 0 {
                        self.skip(claimed);
                        return Err(NoTurn::Closed);
                    }
                    return Ok(claimed);
                }
                // Claimed, perhaps taken already, or skipped: whoever did it has not moved the tail yet.
                (0, _) | (1, Step::Free) => Self::pass(self.tail, tail),
                (-1, Step::Filling | Step::Full | Step::Taking) => return Err(NoTurn::NotNow),
                _ if self.tail.load() != tail => {}
                _ => return Err(NoTurn::Broken),
            }
        }
        Err(NoTurn::Broken)
    }

    /// Producer: the item is there. Not if others took this process for dead.
    #[inline]
    #[must_use]
    pub(crate) fn commit(&self, turn: Turn) -> bool {
        self.swap(turn, turn.word.with(Step::Full, 0))
    }

    /// Gives up a position that is being filled, one's own or a dead producer's: consumers go past it.
    pub(crate) fn skip(&self, turn: Turn) -> bool {
        self.swap(turn, turn.word.next())
    }

    /// Consumer: claims the next item, to [`release`](Ring::release) its cell.
    #[inline]
    pub(crate) fn take(&self, owner: u16) -> Result<Turn, NoTurn> {
        let mut closed = false;
        for _ in 0..TRIES {
            let head = self.head.load();
            let (cell, lap, seen) = self.look(head);
            match (seen.ahead_of(lap), seen.step()) {
                (0, Step::Full) => {
                    let claimed = Turn { cell, word: seen.with(Step::Taking, owner) };
                    if self.word(cell).swap_if(seen.0, claimed.word.0).is_ok() {
                        Self::pass(self.head, head);
                        return Ok(claimed);
                    }
                }
                // A producer is at it, and may be slow.
                (0, Step::Filling) => return Err(NoTurn::NotNow),
                // Taken, or skipped, or even claimed again: the head was not moved yet.
                (0, Step::Taking) | (1, _) => Self::pass(self.head, head),
                // Nobody has claimed it, so nobody has claimed any position after it.
                (0, Step::Free) | (-1, Step::Taking) => {
                    if closed {
                        return Err(NoTurn::Closed);
                    }
                    if self.closed.load() == 0 {
                        return Err(NoTurn::NotNow);
                    }
                    closed = true;
                    // Of two looks; on x86-64 loads keep their order.
                    A::meet();
                }
                _ if self.head.load() != head => {}
                _ => return Err(NoTurn::Broken),
            }
        }
        Err(NoTurn::Broken)
    }

    /// Consumer: has copied the item, which is its own now. Not if others took this process for dead: the item is
    /// theirs then.
    #[inline]
    #[must_use]
    pub(crate) fn release(&self, turn: Turn) -> bool {
        self.swap(turn, turn.word.next())
    }

    /// Consumer: takes an item over from one that died while it took it.
    pub(crate) fn take_over(&self, dead: Turn, owner: u16) -> Option<Turn> {
        let claimed = Turn { cell: dead.cell, word: dead.word.with(Step::Taking, owner) };
        self.swap(dead, claimed.word).then_some(claimed)
    }

    /// Accepts nothing more; whether it did before.
    pub(crate) fn close(&self) -> bool {
        self.closed.set(1) == 0
    }

    /// Whether the next position can be claimed by a producer.
    pub(crate) fn has_room(&self) -> bool {
        let (_, lap, seen) = self.look(self.tail.load());
        seen.ahead_of(lap) == 0 && seen.step() == Step::Free
    }

    /// Whether the next item can be taken.
    pub(crate) fn has_item(&self) -> bool {
        let (_, lap, seen) = self.look(self.head.load());
        seen.ahead_of(lap) == 0 && seen.step() == Step::Full
    }

    /// How many items there are, about.
    pub(crate) fn len(&self) -> usize {
        let head = self.head.load();
        usize::try_from(self.tail.load().saturating_sub(head)).unwrap_or(usize::MAX).min(self.cells.len())
    }

    /// The cells that somebody is at, and who.
    pub(crate) fn claimed(&self) -> impl Iterator<Item = (Turn, Step, usize)> {
        let words = (0..self.cells.len()).map(|cell| (cell, Cell(self.word(cell).load())));
        let claimed = words.filter(|(_, word)| matches!(word.step(), Step::Filling | Step::Taking));
        claimed.map(|(cell, word)| (Turn { cell, word }, word.step(), word.owner()))
    }
}
