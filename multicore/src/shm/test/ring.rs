//! The turns of a queue, one after another.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use crate::shm::cell::{Cell, Step};
use crate::shm::ring::{NoTurn, Ring};

/// The words of a queue.
struct Words {
    tail: AtomicU64,
    head: AtomicU64,
    closed: AtomicU64,
    cells: Vec<Word>,
}

#[derive(Default)]
struct Word(AtomicU64);

impl AsRef<AtomicU64> for Word {
    fn as_ref(&self) -> &AtomicU64 {
        &self.0
    }
}

const DEAD: u16 = 7;
const OWN: u16 = 3;

impl Words {
    fn new(cells: usize) -> Words {
        let word = || AtomicU64::new(0);
        let cells = (0..cells).map(|_| Word::default()).collect();
        Words { tail: word(), head: word(), closed: word(), cells }
    }

    fn ring(&self) -> Ring<'_, AtomicU64, Word> {
        Ring { tail: &self.tail, head: &self.head, closed: &self.closed, cells: &self.cells }
    }

    /// Puts an item in, and says in which cell it is.
    fn push(&self) -> Result<usize, NoTurn> {
        let turn = self.ring().fill(OWN)?;
        assert!(self.ring().commit(turn));
        Ok(turn.cell)
    }

    fn pop(&self) -> Result<usize, NoTurn> {
        let turn = self.ring().take(OWN)?;
        assert!(self.ring().release(turn));
        Ok(turn.cell)
    }
}

#[test]
fn items_come_in_the_order_in_which_they_went_in() {
    for cells in [1, 2, 3, 8] {
        let words = Words::new(cells);
        for round in 0..20 {
            let some = round % cells + 1;
            let into: Vec<_> = (0..some).map(|_| words.push().expect("there is room")).collect();
            assert_eq!(words.ring().len(), some);
            let out: Vec<_> = (0..some).map(|_| words.pop().expect("an item")).collect();
            assert_eq!(into, out);
            assert_eq!(words.pop(), Err(NoTurn::NotNow));
        }
    }
}

#[test]
fn a_full_queue_takes_no_more() {
    for cells in [1, 2, 5] {
        let words = Words::new(cells);
        for _ in 0..cells {
            words.push().expect("there is room");
        }
        assert_eq!(words.push(), Err(NoTurn::NotNow));
        assert!(!words.ring().has_room());
        let turn = words.ring().take(OWN).expect("an item");
        assert_eq!(words.push(), Err(NoTurn::NotNow), "its cell is still being read");
        assert!(words.ring().release(turn));
        words.push().expect("there is room");
    }
}

#[test]
fn a_closed_queue_gives_what_is_left() {
    let words = Words::new(3);
    words.push().expect("there is room");
    let turn = words.ring().fill(OWN).expect("there is room");
    assert!(words.ring().close() && !words.ring().close());
    assert_eq!(words.push(), Err(NoTurn::Closed));
    words.pop().expect("an item");
    assert_eq!(words.pop(), Err(NoTurn::NotNow), "it was claimed before the end, and may come");
    assert!(words.ring().commit(turn));
    words.pop().expect("an item");
    assert_eq!(words.pop(), Err(NoTurn::Closed));
}

#[test]
fn what_a_dead_producer_was_at_is_skipped() {
    for cells in [1, 3] {
        let words = Words::new(cells);
        let dead = words.ring().fill(DEAD).expect("there is room");
        if cells == 3 {
            words.push().expect("there is room");
            assert_eq!(words.pop(), Err(NoTurn::NotNow), "it waits for its turn");
        }
        let claimed: Vec<_> = words.ring().claimed().collect();
        assert_eq!(claimed, [(dead, Step::Filling, usize::from(DEAD))]);
        assert!(words.ring().skip(dead) && !words.ring().skip(dead));
        assert!(!words.ring().commit(dead), "if it was not dead at all");
        assert_eq!(words.pop().is_ok(), cells == 3);
        for _ in 0..2 * cells {
            words
                .push()
                .and_then(|cell| Ok((cell, words.pop()?)))
                .map(|(a, b)| assert_eq!(a, b))
                .expect("it goes on");
        }
    }
}

#[test]
fn what_a_dead_consumer_was_at_is_taken_over_once() {
    for cells in [1, 3] {
        let words = Words::new(cells);
        let cell = words.push().expect("there is room");
        let dead = words.ring().take(DEAD).expect("an item");
        assert_eq!(words.pop(), Err(NoTurn::NotNow));
        let own = words.ring().take_over(dead, OWN).expect("it is dead");
        assert_eq!(words.ring().take_over(dead, OWN), None);
        assert!(!words.ring().release(dead), "if it was not dead at all, it has nothing");
        assert!(words.ring().release(own));
        assert_eq!(own.cell, cell);
        words.push().expect("it goes on");
        words.pop().expect("it goes on");
    }
}

/// A producer or consumer died, or was put aside, between its claim and the counter.
#[test]
fn a_counter_that_lags_behind_is_helped_along() {
    let words = Words::new(3);
    let (first, second) = (words.push().expect("room"), words.push().expect("room"));
    words.tail.store(1, Relaxed);
    let third = words.push().expect("room");
    assert_eq!([first, second, third], [0, 1, 2]);
    assert_eq!(words.push(), Err(NoTurn::NotNow));
    words.pop().expect("an item");
    words.head.store(0, Relaxed);
    assert_eq!(words.pop(), Ok(1));
    words.head.store(1, Relaxed);
    // The cell that the head is behind on has a new item already.
    assert_eq!(words.push(), Ok(0));
    assert_eq!(words.push(), Ok(1));
    assert_eq!((0..3).map(|_| words.pop().expect("an item")).collect::<Vec<_>>(), [2, 0, 1]);
}

#[test]
fn laps_wrap_around() {
    let last = Cell::at(u64::MAX, Step::Taking, OWN);
    assert_eq!(last.next(), Cell::at(0, Step::Free, 0));
    assert_eq!(last.next().ahead_of(u64::MAX), 1);
    assert_eq!(last.ahead_of(0), -1);
    assert_eq!((last.step(), last.owner()), (Step::Taking, usize::from(OWN)));
}

/// Whatever stands there: an answer, and no loop without end.
#[test]
fn forged_words_are_no_hang() {
    let odd = [0, 1, 2, 3, 1 << 16, 2 << 16 | 1, 3 << 16 | 2, 5 << 16 | 3, u64::MAX, 1 << 63, 7];
    let mut broken = 0;
    for tail in odd {
        for head in odd {
            for (at, forged) in (0..3).flat_map(|at| odd.map(|forged| (at, forged))) {
                let words = Words::new(3);
                words.tail.store(tail, Relaxed);
                words.head.store(head, Relaxed);
                words.cells[at].0.store(forged, Relaxed);
                for _ in 0..4 {
                    broken += u32::from(words.ring().fill(OWN) == Err(NoTurn::Broken));
                    broken += u32::from(words.ring().take(OWN) == Err(NoTurn::Broken));
                    let _ = (words.ring().len(), words.ring().has_item(), words.ring().has_room());
                    assert!(words.ring().claimed().count() <= 3);
                }
            }
        }
    }
    assert!(broken > 1000, "{broken}");
}
