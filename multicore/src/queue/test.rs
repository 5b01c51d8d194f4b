//! A queue in one process, and in forks of it.

use std::collections::HashSet;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Barrier};
use std::thread;
use std::time::Instant;

use super::channel::Channel;
use super::owner::Identity;
use super::*;
use crate::shared::travel;
use crate::shm::space::OWNERS;

fn queue<T: Item>(capacity: usize) -> Queue<T> {
    Queue::new(capacity).expect("memory")
}

const MOMENT: Duration = Duration::from_millis(5);

/// The item, if the queue is what says no to it.
fn refused<T>(pushed: Result<(), PushError<T>>) -> (T, &'static str) {
    match pushed {
        Err(PushError::Full(item)) => (item, "full"),
        Err(PushError::Closed(item)) => (item, "closed"),
        other => panic!("{:?}", other.map_err(|error| error.to_string())),
    }
}

#[test]
fn it_gives_in_order_what_was_put_in() {
    let queue = queue(3);
    assert!(queue.is_empty() && queue.capacity() == 3 && !queue.is_closed());
    for round in 0..10 {
        for n in 0..3 {
            queue.push(format!("{round} {n}")).unwrap();
        }
        assert_eq!(queue.len(), 3);
        for n in 0..3 {
            assert_eq!(queue.pop().unwrap(), format!("{round} {n}"));
        }
    }
    assert!(matches!(queue.try_pop(), Err(PopError::Empty)));
    assert!(matches!(queue.pop_timeout(MOMENT), Err(PopError::Empty)));
}

#[test]
fn a_full_one_hands_the_item_back() {
    let queue = queue(1);
    queue.try_push(String::from("first")).unwrap();
    assert_eq!(refused(queue.try_push(String::from("second"))), (String::from("second"), "full"));
    assert_eq!(refused(queue.push_timeout(String::from("third"), MOMENT)), (String::from("third"), "full"));
    assert_eq!(queue.pop().unwrap(), "first");
    queue.push(String::from("fourth")).unwrap();
    assert_eq!(queue.pop().unwrap(), "fourth");
}

#[test]
fn a_closed_one_gives_what_is_left_and_ends() {
    let queue = queue(4);
    queue.push(1).unwrap();
    queue.push(2).unwrap();
    queue.close();
    queue.close();
    assert!(queue.is_closed());
    assert_eq!(refused(queue.push(3)), (3, "closed"));
    assert_eq!(refused(queue.try_push(4)), (4, "closed"));
    assert_eq!(queue.iter().collect::<Result<Vec<i32>>>().unwrap(), [1, 2]);
    assert!(matches!(queue.pop(), Err(PopError::Closed)));
    assert!(matches!(queue.try_pop(), Err(PopError::Closed)));
}

#[test]
fn a_guard_closes_it() {
    let queue = queue::<u8>(1);
    drop(queue.close_on_drop());
    assert!(queue.is_closed());
}

#[test]
fn items_of_every_length_travel() {
    let queue = queue(2);
    for len in [0, 1, 31, 32, 33, 4000, 4096, 4097, 20_000, 1 << 20, (1 << 20) + 1, 3 << 20] {
        for round in 0..3_u8 {
            let bytes: Vec<u8> = (0..len).map(|at| (at % 251) as u8 ^ round).collect();
            queue.push(bytes.clone()).unwrap();
            assert_eq!(queue.pop().unwrap(), bytes, "{len} bytes");
        }
    }
}

#[test]
fn an_item_over_the_limit_says_what_it_needs() {
    let queue = Queue::with_limit(2, 100).unwrap();
    assert_eq!(queue.limit(), 100);
    queue.push(vec![1_u8; 92]).unwrap();
    match queue.push(vec![1_u8; 93]) {
        Err(PushError::Failed(item, Error::TooLarge { need: 101, limit: 100 })) => assert_eq!(item.len(), 93),
        other => panic!("{other:?}"),
    }
    assert_eq!(queue.pop().unwrap().len(), 92);
}

#[test]
fn what_can_be_no_queue_is_an_error() {
    assert!(matches!(Queue::<u8>::new(0), Err(Error::Config { .. })));
    assert!(matches!(Queue::<u8>::new(usize::MAX), Err(Error::Os { .. })));
    assert!(matches!(Queue::<u8>::with_limit(1 << 20, 1 << 50), Err(Error::Os { .. })));
}

/// Panics where it is asked to.
#[derive(Debug)]
struct Touchy(u8);

impl serde::Serialize for Touchy {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        assert_ne!(self.0, 1, "not this one");
        if self.0 == 2 { Err(serde::ser::Error::custom("nor this")) } else { self.0.serialize(serializer) }
    }
}

impl<'de> serde::Deserialize<'de> for Touchy {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let byte = u8::deserialize(deserializer)?;
        assert_ne!(byte, 3, "this neither");
        if byte == 4 { Err(serde::de::Error::custom("nor that")) } else { Ok(Touchy(byte)) }
    }
}

#[test]
fn no_code_of_the_users_can_hold_a_cell() {
    let queue = queue(1);
    let panics = |item: u8| std::panic::catch_unwind(|| queue.push(Touchy(item)).map_err(|e| e.to_string()));
    assert!(panics(1).is_err());
    let error = queue.push(Touchy(2)).unwrap_err();
    assert!(
        matches!(&error, PushError::Failed(Touchy(2), _)) && error.to_string().contains("nor this"),
        "{error}"
    );
    assert!(panics(3).unwrap().is_ok());
    assert!(std::panic::catch_unwind(|| queue.pop().map_err(|e| e.to_string())).is_err());
    queue.push(Touchy(4)).unwrap();
    let error = queue.pop().unwrap_err();
    assert!(matches!(error, PopError::Failed(_)) && error.to_string().contains("nor that"), "{error}");
    queue.push(Touchy(5)).unwrap();
    assert_eq!(queue.pop().unwrap().0, 5);
}

#[test]
fn many_threads_lose_nothing_and_see_nothing_twice() {
    for (capacity, each) in [(1, 300), (3, 2000), (64, 5000)] {
        let queue = queue(capacity);
        let seen: Vec<u64> = thread::scope(|scope| {
            let producers: Vec<_> = (0..4)
                .map(|producer| {
                    let queue = queue.clone();
                    scope.spawn(move || (0..each).for_each(|n| queue.push(producer << 32 | n).unwrap()))
                })
                .collect();
            let consumers: Vec<_> = (0..4)
                .map(|_| {
                    let queue = queue.clone();
                    scope.spawn(move || queue.iter().collect::<Result<Vec<u64>>>().unwrap())
                })
                .collect();
            producers.into_iter().for_each(|thread| thread.join().unwrap());
            queue.close();
            let seen = consumers.into_iter().map(|thread| thread.join().unwrap());
            seen.inspect(|seen| {
                // Of one producer each consumer sees later what was put in later.
                for producer in 0..4 {
                    assert!(seen.iter().filter(|item| *item >> 32 == producer).is_sorted());
                }
            })
            .flatten()
            .collect()
        });
        let unique: HashSet<u64> = seen.iter().copied().collect();
        assert_eq!((seen.len(), unique.len()), (4 * each as usize, 4 * each as usize));
    }
}

#[test]
fn closing_wakes_everyone() {
    let (empty, full) = (queue::<u8>(2), queue::<u8>(1));
    full.push(0).unwrap();
    let barrier = Arc::new(Barrier::new(7));
    thread::scope(|scope| {
        for _ in 0..3 {
            let (empty, full) = (empty.clone(), full.clone());
            let [there, here] = [barrier.clone(), barrier.clone()];
            scope.spawn(move || {
                there.wait();
                assert!(matches!(empty.pop(), Err(PopError::Closed)));
            });
            scope.spawn(move || {
                here.wait();
                assert_eq!(refused(full.push(1)), (1, "closed"));
            });
        }
        barrier.wait();
        empty.close();
        full.close();
    });
}

/// The place in the table of owners where some process stands that is no more.
fn enter_the_dead(channel: &Channel) -> u16 {
    // Of a number and a moment that no process has had: the first one's number, and long after now.
    let dead = Identity(1 << 60 | 1);
    assert!(dead.is_dead() && !Identity::own().is_dead());
    let at = (0..OWNERS).find(|at| channel.swap_owner(*at, Identity(0), dead)).expect("a place");
    at as u16
}

#[test]
fn what_the_dead_held_is_seen_to() {
    for capacity in [1, 2] {
        let queue = queue::<u64>(capacity);
        let channel = queue.channel();
        for round in 0..3 {
            let dead = enter_the_dead(channel);
            // It dies while it puts something in.
            let _ = channel.space.ring().fill(dead).expect("there is room");
            queue.push(round).unwrap();
            assert_eq!(queue.pop().unwrap(), round);
            // And another one while it takes something out.
            queue.push(round + 10).unwrap();
            let dead = enter_the_dead(channel);
            let _ = channel.space.ring().take(dead).expect("an item");
            assert_eq!(queue.pop().unwrap(), round + 10);
        }
        // Also where nobody ever waits, and where everybody else is through.
        let dead = enter_the_dead(channel);
        queue.push(77).unwrap();
        let _ = channel.space.ring().take(dead).expect("an item");
        let found = std::iter::from_fn(|| {
            thread::yield_now();
            Some(queue.try_pop())
        });
        assert_eq!(found.into_iter().find_map(Result::ok), Some(77));
        queue.push(78).unwrap();
        let dead = enter_the_dead(channel);
        let _ = channel.space.ring().take(dead).expect("an item");
        queue.close();
        assert_eq!(queue.pop().unwrap(), 78);
        assert!(matches!(queue.pop(), Err(PopError::Closed)));
    }
}

/// In a queue that is closed meanwhile, and beside somebody who wakes the consumer again and again.
#[test]
fn a_dead_producer_holds_up_nobody_who_is_kept_busy() {
    let queue = queue::<u64>(4);
    let _ = queue.channel().space.ring().fill(enter_the_dead(queue.channel())).expect("there is room");
    queue.push(5).unwrap();
    thread::scope(|scope| {
        let consumer = scope.spawn(|| queue.pop().unwrap());
        let start = Instant::now();
        while !consumer.is_finished() {
            queue.channel().wake(&queue.channel().space.items());
            thread::yield_now();
            assert!(start.elapsed() < Duration::from_secs(60), "it never looks");
        }
        assert_eq!(consumer.join().unwrap(), 5);
    });
    let queue = self::queue::<u64>(2);
    let _ = queue.channel().space.ring().fill(enter_the_dead(queue.channel())).expect("there is room");
    queue.close();
    assert!(matches!(queue.pop(), Err(PopError::Closed)));
}

#[test]
fn the_table_of_owners_is_cleared_of_the_dead() {
    let queue = queue::<u64>(4);
    let channel = queue.channel();
    let places: Vec<u16> = (0..OWNERS).map(|_| enter_the_dead(channel)).collect();
    // One of them is named by a cell, and some died in their sleep.
    let _ = channel.space.ring().fill(places[0]).expect("there is room");
    for place in &places[1..9] {
        let owner = &channel.space.owners()[usize::from(*place)];
        let _ = channel.space.items().lie_down(&owner.for_items);
        let _ = channel.space.room().lie_down(&owner.for_room);
    }
    queue.push(1).unwrap();
    let named = |at: usize| channel.space.owners()[at].identity.load(Relaxed);
    assert_ne!(named(usize::from(places[0])), 0, "as long as a cell names it");
    let living = (0..OWNERS).filter(|at| named(*at) != 0).count();
    assert_eq!(living, 2, "that one and this process");
    assert!(!channel.space.items().is_heard() && !channel.space.room().is_heard());
    assert_eq!(queue.pop().unwrap(), 1);
}

#[test]
fn a_full_table_of_the_living_is_an_error() {
    let queue = queue::<u64>(1);
    for at in 0..OWNERS {
        assert!(queue.channel().swap_owner(at, Identity(0), Identity::own()));
    }
    let error = queue.push(1).unwrap_err();
    assert!(matches!(error, PushError::Failed(1, Error::Refused { .. })), "{error}");
}

#[test]
fn an_owner_gives_its_place_back() {
    let queue = queue::<u64>(1);
    queue.push(1).unwrap();
    let copy = Channel::map(queue.data.shared_file().expect("a file"), queue.channel().shape()).unwrap();
    assert!(copy.pop(Until::Now).is_ok());
    let taken = |queue: &Queue<u64>| {
        queue.channel().space.owners().iter().filter(|owner| owner.identity.load(Relaxed) != 0).count()
    };
    assert_eq!(taken(&queue), 2);
    drop(copy);
    assert_eq!(taken(&queue), 1);
}

/// Every word of the control part is written over, one by one.
#[test]
fn forged_words_are_errors_and_no_hang() {
    let odd = [0, 1, 2, 3, 7, 1 << 15, 1 << 16, 3 << 16 | 2, u64::MAX, 1 << 63, (i64::MAX as u64) - 1];
    let used = |queue: &Queue<Vec<u8>>| {
        for len in [3, 100, 5] {
            let _ = queue.try_push(vec![1; len]);
            let _ = queue.try_pop();
        }
        let _ = (queue.len(), queue.push_timeout(vec![2; 4], MOMENT / 5), queue.pop_timeout(MOMENT / 5));
    };
    let words = queue::<Vec<u8>>(2).channel().space.control_words().len();
    // The counters, the bells and some owners; and the two cells, on the last page.
    for at in (0..100).chain(words - 512..words - 512 + 16) {
        for forged in odd {
            let queue = Queue::<Vec<u8>>::with_limit(2, 1 << 20).unwrap();
            used(&queue);
            queue.channel().space.control_words()[at].store(forged, Relaxed);
            used(&queue);
        }
    }
}

#[test]
fn only_the_arguments_of_a_call_can_name_it() {
    let queue = queue::<u64>(5);
    let config = bincode::config::standard();
    let written = || bincode::serde::encode_to_vec(&queue, config).map_err(|error| error.to_string());
    assert!(written().unwrap_err().contains("travels only as an argument"));
    let (encoded, named) = travel::naming(false, written);
    assert!(encoded.is_err() && named.refused.is_some_and(|why| why.contains("sandboxed")));
    let (encoded, named) = travel::naming(true, written);
    let encoded = encoded.unwrap();
    assert_eq!(named.found.len(), 1);
    let read = || bincode::serde::decode_from_slice::<Queue<u64>, _>(&encoded, config);
    assert!(read().unwrap_err().to_string().contains("travels only as an argument"));
    // Where the call runs in this very process.
    queue.push(7).unwrap();
    let (same, _) = travel::taking(read).unwrap();
    assert_eq!(same.pop().unwrap(), 7);
    assert!(Arc::ptr_eq(&same.data, &queue.data));
    drop((same, queue, named));
    assert!(travel::taking(read).unwrap_err().to_string().contains("gone"));
}

#[test]
fn an_item_cannot_name_a_queue() {
    let (queue, item) = (queue::<Queue<u8>>(1), queue::<u8>(1));
    let error = queue.push(item).unwrap_err();
    assert!(error.to_string().contains("travels only as an argument"), "{error}");
}
