//! Results that are read where their workers wrote them.

use multicore::{Borrowed, Codec, Error, Handle};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::payload::{self, Random};
use crate::rig::{Rig, builder, with_pool};
use crate::watch::eventually;
use crate::{procfs, tasks, wild};

/// The bytes of this seed, as a worker gives them back.
fn lent(rig: &Rig, seed: u64, len: usize) -> Borrowed<Vec<u8>> {
    rig.pool.spawn(tasks::hand_back::call(payload::bytes(seed, len))).and_then(Handle::get_ref).unwrap()
}

/// Checks a result in every way that it can be read.
fn check(borrowed: &Borrowed<Vec<u8>>, seed: u64, len: usize) {
    let mut copy = vec![0; len];
    borrowed.copy_to(0, &mut copy);
    payload::check(&copy, seed, len);
    assert_eq!((borrowed.len(), borrowed.is_empty()), (len, len == 0));
    assert_eq!([borrowed.get(len / 2), borrowed.get(len)], [copy.get(len / 2).copied(), None]);
    let mut end = [0; 9];
    let end = &mut end[..len.min(9)];
    borrowed.copy_to(len - end.len(), end);
    assert_eq!(end, &copy[len - end.len()..]);
    payload::check(wild::in_place(borrowed), seed, len);
    assert_eq!(borrowed.as_slice().is_some(), !borrowed.is_in_place(), "any worker could write there");
}

/// Small ones, which are copied, and large ones, which stay in place; until they are owned.
pub fn a_borrowed_result_is_what_its_worker_wrote() {
    with_pool(|rig| {
        for (seed, len) in (0..).zip([0, 1, 80, 81, 4096, 4097, 65_537, 1 << 20, (3 << 20) + 1]) {
            let borrowed = lent(rig, seed, len);
            assert_eq!(borrowed.is_in_place(), len > 4096, "{len}");
            check(&borrowed, seed, len);
            payload::check(&borrowed.into_owned().unwrap(), seed, len);
        }
        let text = "größer ".repeat(10_000);
        for codec in [Codec::Bincode, Codec::Raw] {
            let shouted = rig.pool.spawn(tasks::shout::call(&text).codec(codec)).unwrap().get_ref().unwrap();
            assert!(shouted.is_in_place());
            assert_eq!(wild::in_place(&shouted), text.to_uppercase().as_bytes());
            assert_eq!(shouted.into_owned().unwrap(), text.to_uppercase());
        }
        let numbers: Vec<u64> = (0..100_000).collect();
        let halves = rig.pool.spawn(tasks::second_half::call(&numbers)).unwrap().get_ref().unwrap();
        assert_eq!((halves.len(), halves.get(1), halves.get(50_000)), (50_000, Some(50_001), None));
        assert_eq!(wild::in_place(&halves), &numbers[50_000..]);
    });
}

/// Whatever others borrow, calls find slots; what is dropped can be borrowed again.
pub fn results_beyond_half_of_the_slots_are_copied_and_no_call_waits() {
    let rig = Rig::with(builder().workers(2).slots(4));
    let mut random = Random::new(3);
    let mut kept: Vec<(u64, usize, Borrowed<Vec<u8>>)> = Vec::new();
    for seed in 0..300 {
        let len = 5000 + random.size(100_000);
        let borrowed = lent(&rig, seed, len);
        let in_place = kept.iter().filter(|(.., borrowed)| borrowed.is_in_place()).count();
        assert_eq!(borrowed.is_in_place(), in_place < 2, "half of four");
        kept.push((seed, len, borrowed));
        let handles: Vec<_> = (0..8).map(|n| rig.pool.spawn(tasks::square::call(n)).unwrap()).collect();
        for (n, handle) in (0..).zip(handles) {
            assert_eq!(handle.get().unwrap(), n * n);
        }
        if kept.len() > 3 {
            let (seed, len, borrowed) = kept.swap_remove(random.below(4) as usize);
            check(&borrowed, seed, len);
        }
    }
    kept.iter().for_each(|(seed, len, borrowed)| check(borrowed, *seed, *len));
    drop(kept);
    rig.end();
    let one = Rig::with(builder().workers(1).slots(1));
    let copied = lent(&one, 1, 9000);
    assert!(!copied.is_in_place(), "the only slot is for calls");
    check(&copied, 1, 9000);
    one.end();
}

/// Whoever dies meanwhile.
pub fn a_borrowed_result_outlives_its_worker_its_supervisor_and_its_pool() {
    let rig = Rig::new(2);
    let borrowed = lent(&rig, 7, 1 << 20);
    let ends = rig.workers().into_iter().chain([rig.supervisor()]);
    for process in ends {
        kill(Pid::from_raw(process.pid), Signal::SIGKILL).unwrap();
        eventually("it is gone", || procfs::stat(process.pid).is_none_or(|stat| stat.is_zombie()));
        rig.check();
        check(&borrowed, 7, 1 << 20);
    }
    let later = lent(&rig, 8, 5000);
    rig.end();
    assert!(borrowed.is_in_place() && later.is_in_place());
    check(&borrowed, 7, 1 << 20);
    drop(borrowed);
    check(&later, 8, 5000);
}

/// Has no result, one way or the other.
#[multicore::task]
fn fail(dies: bool) -> Vec<u8> {
    if dies { std::process::abort() } else { panic!("there is none") }
}

/// As by `get`.
pub fn what_fails_fails_by_get_ref_as_well() {
    with_pool(|rig| {
        let error = rig.pool.spawn(fail::call(false)).unwrap().get_ref().unwrap_err();
        assert!(matches!(error, Error::Panicked { .. }), "{error:?}");
        let error = rig.pool.spawn(fail::call(true)).unwrap().get_ref().unwrap_err();
        assert!(matches!(error, Error::Died { .. }), "{error:?}");
        let handle = rig.pool.spawn(tasks::zeroes::call(100_000)).unwrap();
        handle.cancel();
        match handle.get_ref() {
            Ok(zeroes) => assert_eq!(zeroes.len(), 100_000, "it was finished first"),
            Err(error) => assert!(matches!(error, Error::Cancelled { .. }), "{error:?}"),
        }
        let empty = rig.pool.spawn(tasks::zeroes::call(0)).unwrap().get_ref().unwrap();
        assert!(empty.is_empty() && empty.get(0).is_none());
    });
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! borrowed_scenes {
    ($($then:tt)*) => {
        $($then)*! { borrowed:
            a_borrowed_result_is_what_its_worker_wrote
            results_beyond_half_of_the_slots_are_copied_and_no_call_waits
            a_borrowed_result_outlives_its_worker_its_supervisor_and_its_pool
            what_fails_fails_by_get_ref_as_well
        }
    };
}
