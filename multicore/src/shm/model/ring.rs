//! The races of a queue.

use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::sync::atomic::AtomicU64;
use loom::sync::atomic::Ordering::Acquire;
use loom::thread;

use super::{both, check};
use crate::shm::bell::Bell;
use crate::shm::cell::Step;
use crate::shm::ring::{NoTurn, Ring, Turn};

struct Word(AtomicU64);

impl AsRef<AtomicU64> for Word {
    fn as_ref(&self) -> &AtomicU64 {
        &self.0
    }
}

/// A queue of numbers.
struct Queue {
    tail: AtomicU64,
    head: AtomicU64,
    closed: AtomicU64,
    cells: Vec<Word>,
    items: Vec<UnsafeCell<u64>>,
    /// Of the consumers.
    bell: [AtomicU64; 2],
    /// Who of them sleeps, by owner.
    own: [AtomicU64; 3],
}

// SAFETY: an item is touched by the one that its cell's word names; loom checks it.
unsafe impl Sync for Queue {}
// SAFETY: as above.
unsafe impl Send for Queue {}

/// What a process was doing when it died.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Died {
    Claimed,
    Copied,
}

impl Queue {
    fn of(cells: usize) -> Arc<Queue> {
        let word = || AtomicU64::new(0);
        Arc::new(Queue {
            tail: word(),
            head: word(),
            closed: word(),
            cells: (0..cells).map(|_| Word(word())).collect(),
            items: (0..cells).map(|_| UnsafeCell::new(0)).collect(),
            bell: [word(), word()],
            own: [word(), word(), word()],
        })
    }

    fn ring(&self) -> Ring<'_, AtomicU64, Word> {
        Ring { tail: &self.tail, head: &self.head, closed: &self.closed, cells: &self.cells }
    }

    fn bell(&self) -> Bell<'_, AtomicU64> {
        Bell { rings: &self.bell[0], sleepers: &self.bell[1] }
    }

    fn write(&self, turn: Turn, item: u64) {
        // SAFETY: the cell is being filled by this thread; loom checks it.
        self.items[turn.cell].with_mut(|p| unsafe { *p = item });
    }

    fn read(&self, turn: Turn) -> u64 {
        // SAFETY: the cell is being emptied by this thread; loom checks it.
        self.items[turn.cell].with(|p| unsafe { *p })
    }

    fn push(&self, owner: u16, item: u64) -> Result<(), NoTurn> {
        let turn = self.ring().fill(owner)?;
        self.write(turn, item);
        assert!(self.ring().commit(turn));
        Ok(())
    }

    fn pop(&self, owner: u16) -> Result<u64, NoTurn> {
        let turn = self.ring().take(owner)?;
        let item = self.read(turn);
        assert!(self.ring().release(turn));
        Ok(item)
    }

    /// What a consumer does about a process that is dead.
    fn look(&self, dead: usize, owner: u16) -> Option<u64> {
        let mut found = None;
        for (turn, step, _) in self.ring().claimed().filter(|(_, _, by)| *by == dead) {
            if step == Step::Filling {
                self.ring().skip(turn);
            } else if let Some(turn) = self.ring().take_over(turn, owner) {
                found = Some(self.read(turn));
                assert!(self.ring().release(turn));
            }
        }
        found
    }

    /// All that is left, once everybody else is through.
    fn rest(&self) -> Vec<u64> {
        std::iter::from_fn(|| self.pop(0).ok()).collect()
    }
}

#[test]
fn two_producers_get_a_cell_each() {
    check(3, || {
        let queue = Queue::of(2);
        let (a, b) = both(&queue, |q| q.push(1, 1), |q| q.push(2, 2));
        assert_eq!((a, b), (Ok(()), Ok(())));
        let mut rest = queue.rest();
        rest.sort_unstable();
        assert_eq!(rest, [1, 2]);
    });
}

#[test]
fn of_two_producers_one_gets_the_last_cell() {
    check(3, || {
        let queue = Queue::of(1);
        let (a, b) = both(&queue, |q| q.push(1, 1), |q| q.push(2, 2));
        assert!((a == Ok(())) != (b == Ok(())), "{a:?} {b:?}");
        assert_eq!(queue.rest(), [if a.is_ok() { 1 } else { 2 }]);
    });
}

#[test]
fn an_item_goes_to_one_of_two_consumers() {
    check(3, || {
        let queue = Queue::of(2);
        queue.push(0, 5).expect("there is room");
        let (a, b) = both(&queue, |q| q.pop(1), |q| q.pop(2));
        assert!((a == Ok(5)) != (b == Ok(5)), "{a:?} {b:?}");
    });
}

/// In one cell, which is used again and again.
#[test]
fn what_is_put_in_comes_out_once_and_in_order() {
    for cells in [1, 2] {
        check(3, move || {
            let queue = Queue::of(cells);
            queue.push(0, 1).expect("there is room");
            let producer = |q: &Queue| (2..4).filter(|n| q.push(1, *n).is_ok()).collect::<Vec<_>>();
            let consumer = |q: &Queue| (0..3).filter_map(|_| q.pop(2).ok()).collect::<Vec<_>>();
            let (pushed, mut popped) = both(&queue, producer, consumer);
            popped.extend(queue.rest());
            assert_eq!(popped, [vec![1], pushed].concat());
        });
    }
}

/// A producer that died is found by a consumer, beside another producer.
#[test]
fn a_dead_producer_holds_nobody_up() {
    for (cells, died) in [(1, Died::Claimed), (2, Died::Claimed), (2, Died::Copied)] {
        check(3, move || {
            let queue = Queue::of(cells);
            let dead = queue.ring().fill(9).expect("there is room");
            if died == Died::Copied {
                queue.write(dead, 66);
            }
            let (pushed, popped) = both(
                &queue,
                |q| q.push(1, 5).is_ok(),
                |q| {
                    assert_eq!(q.look(9, 2), None);
                    q.pop(2).ok()
                },
            );
            let all: Vec<u64> = popped.into_iter().chain(queue.rest()).collect();
            assert_eq!(all, if pushed { vec![5] } else { vec![] });
            // Its cell is of use again.
            for n in 0..2 * cells as u64 {
                assert_eq!((queue.push(1, n), queue.pop(1)), (Ok(()), Ok(n)));
            }
        });
    }
}

/// Two consumers find one that died; whoever looks, one gets its item.
#[test]
fn a_dead_consumers_item_goes_to_one() {
    check(3, || {
        let queue = Queue::of(1);
        queue.push(0, 5).expect("there is room");
        let _dead = queue.ring().take(9).expect("an item");
        let (a, b) = both(&queue, |q| q.look(9, 1), |q| q.look(9, 2));
        assert!((a == Some(5)) != (b == Some(5)), "{a:?} {b:?}");
        assert_eq!((queue.push(1, 7), queue.pop(1)), (Ok(()), Ok(7)));
    });
}

/// One that was taken for dead and is not.
#[test]
fn a_slow_consumer_and_who_took_over_do_not_both_get_the_item() {
    check(3, || {
        let queue = Queue::of(1);
        queue.push(0, 5).expect("there is room");
        let slow = queue.ring().take(9).expect("an item");
        let (released, found) = both(&queue, move |q| q.ring().release(slow), |q| q.look(9, 2));
        assert!(released != found.is_some());
    });
}

#[test]
fn nothing_is_accepted_that_nobody_takes() {
    check(3, || {
        let queue = Queue::of(1);
        let producer = queue.clone();
        let producer = thread::spawn(move || producer.push(1, 5));
        let consumer = queue.clone();
        let consumer = thread::spawn(move || {
            // It waits as long as something may come.
            loop {
                match consumer.pop(2) {
                    Err(NoTurn::NotNow) => thread::yield_now(),
                    ended => return ended,
                }
            }
        });
        assert!(queue.ring().close());
        let pushed = producer.join().expect("the model's thread");
        let popped = consumer.join().expect("the model's thread");
        assert_eq!(popped, pushed.map(|()| 5));
        assert_eq!(queue.rest(), [0; 0]);
    });
}

/// What a consumer does before it sleeps; what it would sleep on, if it would.
fn about_to_sleep(queue: &Queue, owner: u16) -> Result<u64, u64> {
    let asleep = queue.bell().lie_down(&queue.own[usize::from(owner)]);
    queue.pop(owner).map_err(|_| u64::from(asleep.seen))
}

fn rung(queue: &Queue) -> u64 {
    queue.bell[0].load(Acquire)
}

/// Sleeps on a word that has not moved since: for ever.
fn sleeps(queue: &Queue, tried: Result<u64, u64>) -> bool {
    tried == Err(rung(queue))
}

#[test]
fn nobody_sleeps_beside_an_item() {
    check(3, || {
        let queue = Queue::of(1);
        let producer = |q: &Queue| {
            q.push(1, 5).expect("there is room");
            q.bell().ring();
        };
        let ((), tried) = both(&queue, producer, |q| about_to_sleep(q, 2));
        assert!(!sleeps(&queue, tried), "an item is there and nobody wakes it");
    });
}

#[test]
fn nobody_sleeps_beside_a_closed_queue() {
    check(3, || {
        let queue = Queue::of(1);
        let close = |q: &Queue| {
            q.ring().close();
            q.bell().ring();
        };
        let consumer = |q: &Queue| {
            let asleep = q.bell().lie_down(&q.own[2]);
            (q.pop(2) == Err(NoTurn::NotNow)).then_some(u64::from(asleep.seen))
        };
        let ((), slept) = both(&queue, close, consumer);
        assert!(slept != Some(rung(&queue)), "nothing will come and nobody wakes it");
    });
}

/// Two items, and the producer of the first is slow: who comes for the second goes to sleep before its turn.
#[test]
fn of_two_that_sleep_both_are_woken_for_two() {
    check(2, || {
        let queue = Queue::of(2);
        let first = queue.ring().fill(1).expect("there is room");
        queue.push(1, 6).expect("there is room");
        let there = queue.clone();
        let producer = thread::spawn(move || {
            there.write(first, 5);
            assert!(there.ring().commit(first));
            there.bell().ring();
        });
        let there = queue.clone();
        let other = thread::spawn(move || about_to_sleep(&there, 2));
        // One that is awake takes the first, and passes on that there is more.
        let popped = queue.pop(0).ok();
        if popped.is_some() && queue.bell().is_heard() && queue.ring().has_item() {
            queue.bell().ring();
        }
        producer.join().expect("the model's thread");
        let tried = other.join().expect("the model's thread");
        let left = queue.ring().has_item();
        assert!(!(left && sleeps(&queue, tried)), "an item is there and nobody wakes it: {popped:?}");
    });
}

/// The place of a process that died in its sleep is cleared by two at once.
#[test]
fn the_dead_are_counted_out_once() {
    check(3, || {
        let queue = Queue::of(1);
        let _dead = queue.bell().lie_down(&queue.own[1]);
        let _living = queue.bell().lie_down(&queue.own[2]);
        let forget = |q: &Queue| q.bell().forget(&q.own[1]);
        both(&queue, forget, forget);
        assert!(queue.bell().is_heard(), "one sleeps still");
        queue.bell().forget(&queue.own[2]);
        assert!(!queue.bell().is_heard(), "nobody sleeps");
    });
}
