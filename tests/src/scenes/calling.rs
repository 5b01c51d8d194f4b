//! Calls, handles, groups, and what travels.

use std::time::Duration;

use multicore::{Codec, Error, Task};

use crate::fixture::Folder;
use crate::payload;
use crate::rig::{Rig, builder, with_pool};
use crate::tasks::{self, Person};
use crate::watch::eventually;

/// Long enough never to pass in a test that works.
const NEVER: Duration = Duration::from_secs(60);
/// Short enough to pass while a call naps.
const SOON: Duration = Duration::from_millis(20);

/// `is_finished`, then `get`.
pub fn a_handle_gives_the_result_once_it_is_there() {
    with_pool(|rig| {
        let handle = rig.pool.spawn(tasks::nap::call(100)).unwrap();
        assert!(!handle.is_finished(), "it naps");
        eventually("the nap is over", || handle.is_finished());
        assert_eq!(handle.get().unwrap(), 100);
    });
}

/// Any number of times, also with no time at all.
pub fn get_timeout_gives_the_handle_back_and_the_call_goes_on() {
    with_pool(|rig| {
        let handle = rig.pool.spawn(tasks::nap::call(300)).unwrap();
        let handle = handle.get_timeout(Duration::ZERO).unwrap_err();
        let handle = handle.get_timeout(SOON).unwrap_err();
        assert_eq!(handle.get_timeout(NEVER).unwrap().unwrap(), 300);
        let handle = rig.pool.spawn(tasks::square::call(9)).unwrap();
        assert_eq!(handle.get_timeout(Duration::MAX).unwrap().unwrap(), 81);
    });
}

/// The call runs, and its slot is free again.
pub fn a_dropped_handle_detaches_its_call() {
    let folder = Folder::new();
    let path = folder.file("notes");
    let rig = Rig::with(builder().workers(2).slots(4));
    for line in 0..100 {
        drop(rig.pool.spawn(tasks::note::call(&path, line)).unwrap());
    }
    rig.end();
    let notes = std::fs::read_to_string(path).unwrap();
    let mut lines: Vec<u64> = notes.lines().map(|line| line.parse().unwrap()).collect();
    lines.sort_unstable();
    assert_eq!(lines, (0..100).collect::<Vec<_>>());
}

/// A result that nobody will ever collect is moved aside when its slot is needed.
pub fn a_forgotten_handle_costs_a_slot_and_no_more() {
    let rig = Rig::with(builder().workers(2).slots(4));
    for n in 0..40 {
        std::mem::forget(rig.pool.spawn(tasks::square::call(n)).unwrap());
    }
    rig.end();
}

/// Whatever order they end in.
pub fn a_task_gives_its_results_in_order() {
    with_pool(|rig| {
        let mut task = Task::on(&rig.pool);
        assert!(task.is_empty());
        for n in 0..8 {
            task.run(tasks::nap::call(if n % 2 == 0 { 40 } else { n })).unwrap();
        }
        assert_eq!(task.len(), 8);
        assert_eq!(task.get().unwrap(), [40, 1, 40, 3, 40, 5, 40, 7]);
        assert!(Task::<u64>::on(&rig.pool).get().unwrap().is_empty());
    });
}

/// And `get_all` gives each its own.
pub fn a_task_gives_the_first_error_in_order_after_all_have_settled() {
    with_pool(|rig| {
        let folder = Folder::new();
        let path = folder.file("done");
        let start = || {
            let mut task = Task::on(&rig.pool);
            task.run(tasks::nap::call(1)).unwrap();
            task.run(tasks::panic_text::call("the first")).unwrap();
            task.run(tasks::panic_text::call("the second")).unwrap();
            task.run(tasks::announce::call(&path, 200)).unwrap();
            task
        };
        let message = |error: &Error| match error {
            Error::Panicked { message, .. } => message.clone(),
            other => panic!("{other}"),
        };
        let error = start().get().unwrap_err();
        assert_eq!(message(&error), "made of the first");
        assert!(std::path::Path::new(&path).exists(), "the last call had begun");
        let results = start().get_all();
        assert_eq!(results.len(), 4);
        assert_eq!(*results[0].as_ref().unwrap(), 1);
        assert_eq!(message(results[1].as_ref().unwrap_err()), "made of the first");
        assert_eq!(message(results[2].as_ref().unwrap_err()), "made of the second");
        assert_eq!(*results[3].as_ref().unwrap(), 200);
    });
}

/// With all its calls.
pub fn a_task_comes_back_when_the_time_is_up() {
    with_pool(|rig| {
        let mut task = Task::on(&rig.pool);
        task.run(tasks::nap::call(300)).unwrap();
        task.run(tasks::square::call(3)).unwrap();
        let task = task.get_timeout(SOON).unwrap_err();
        assert_eq!(task.len(), 2);
        assert_eq!(task.get_timeout(NEVER).unwrap().unwrap(), [300, 9]);
    });
}

/// By every way to make a call; what cannot run there is refused.
pub fn nested_calls_run_inside_the_worker() {
    with_pool(|rig| {
        let (one, group, sum, own_pool) = rig.pool.spawn(tasks::nested::call()).unwrap().get().unwrap();
        assert_ne!(one, std::process::id() as i32);
        assert!(group.iter().chain(&own_pool).all(|pid| *pid == one), "{one} {group:?} {own_pool:?}");
        assert_eq!(sum, 6);
        let refusal = rig.pool.spawn(tasks::nested_with_timeout::call()).unwrap().get().unwrap();
        assert!(refusal.contains("nap") && refusal.contains("a timeout"), "{refusal}");
    });
}

/// The outer `Result` is ours, the inner one the user's.
pub fn a_result_of_the_users_own_is_a_value() {
    with_pool(|rig| {
        let mut task = Task::on(&rig.pool);
        task.run(tasks::checked_half::call(8)).unwrap();
        task.run(tasks::checked_half::call(7)).unwrap();
        assert_eq!(task.get().unwrap(), [Ok(4), Err("7 is odd".to_owned())]);
    });
}

/// With its chain of causes.
pub fn an_error_that_cannot_travel_arrives_as_text() {
    with_pool(|rig| {
        assert_eq!(rig.pool.spawn(tasks::parse::call("12")).unwrap().get().unwrap().unwrap(), 12);
        let error = rig.pool.spawn(tasks::parse::call("x")).unwrap().get().unwrap().unwrap_err();
        assert_eq!(error.to_string(), "invalid digit found in string");
    });
}

/// Text, plain old data, structures; by bincode and raw.
pub fn every_kind_of_value_travels() {
    with_pool(|rig| {
        let pool = &rig.pool;
        assert_eq!(pool.spawn(tasks::shout::call("grüße, ß")).unwrap().get().unwrap(), "GRÜSSE, SS");
        assert_eq!(pool.spawn(tasks::shout::call("")).unwrap().get().unwrap(), "");
        let numbers: Vec<f64> = (0..1000).map(f64::from).collect();
        let halves = pool.spawn(tasks::halves::call(&numbers)).unwrap().get().unwrap();
        assert!(halves.iter().zip(&numbers).all(|(half, number)| 2.0 * half == *number));
        let doubled = pool.spawn(tasks::double_raw::call(halves)).unwrap().get().unwrap();
        assert_eq!(doubled, numbers);
        assert_eq!(pool.spawn(tasks::echo_raw::call(b"raw")).unwrap().get().unwrap(), b"raw");
        let by_call = pool.spawn(tasks::echo::call(b"by call").codec(Codec::Raw)).unwrap();
        assert_eq!(by_call.get().unwrap(), b"by call");
        let refused = pool.spawn(tasks::square::call(1).codec(Codec::Raw)).unwrap_err();
        assert!(matches!(refused, Error::Encode { what: "the arguments", .. }), "{refused:?}");
        let ann = Person { name: "Ann".to_owned(), age: Some(30), friends: vec![Person::default()] };
        let bob = Person { name: "Bob".to_owned(), age: None, friends: vec![ann.clone()] };
        let mut wanted = ann.clone();
        wanted.friends.push(bob.clone());
        assert_eq!(pool.spawn(tasks::befriend::call(&ann, bob.clone())).unwrap().get().unwrap(), wanted);
        #[cfg(feature = "json")]
        {
            let by_task = pool.spawn(tasks::befriend_json::call(&ann, bob.clone())).unwrap();
            assert_eq!(by_task.get().unwrap(), wanted);
            let by_call = pool.spawn(tasks::befriend::call(&ann, bob).codec(Codec::Json)).unwrap();
            assert_eq!(by_call.get().unwrap(), wanted);
        }
    });
}

/// Around the size of a page and of what a window keeps, through one path.
pub fn payloads_of_every_size_travel() {
    with_pool(|rig| {
        for (seed, len) in (0..).zip([0, 1, 7, 8, 4095, 4096, 4097, 1 << 20, (1 << 20) + 1, 4 << 20]) {
            let sent = payload::bytes(seed, len);
            for codec in [Codec::Bincode, Codec::Raw] {
                let back = rig.pool.spawn(tasks::echo::call(sent).codec(codec)).unwrap().get().unwrap();
                payload::check(&back, seed, len);
                let back = rig.pool.spawn(tasks::hand_back::call(sent).codec(codec)).unwrap().get().unwrap();
                payload::check(&back, seed, len);
            }
            let call = tasks::exchange::call(seed, sent, seed + 100, payload::MOST - len);
            let other = rig.pool.spawn(call).unwrap().get().unwrap();
            payload::check(&other, seed + 100, payload::MOST - len);
        }
        let large = vec![7; 64 << 20];
        assert!(rig.pool.spawn(tasks::echo::call(&large)).unwrap().get().unwrap() == large);
        assert!(rig.pool.spawn(tasks::hand_back::call(&large)).unwrap().get().unwrap() == large);
    });
}

/// For an argument before it is sent, for a result in the worker; the limit itself still fits.
pub fn too_large_says_exactly_what_was_needed() {
    let rig = Rig::with(builder().workers(2).payload_limit(8192));
    let limit = rig.pool.payload_limit();
    assert!(limit >= 8192, "{limit}");
    for over in [0, 1, 100_000] {
        let len = limit + over;
        let argument = vec![1; len as usize];
        // Raw, so that the need is known here.
        let sent = rig.pool.spawn(tasks::echo::call(&argument).codec(Codec::Raw));
        let made = rig.pool.spawn(tasks::zeroes::call(len as usize)).unwrap().get();
        if over == 0 {
            assert_eq!(sent.unwrap().get().unwrap(), argument);
            assert_eq!(made.unwrap(), vec![0; len as usize]);
            continue;
        }
        for error in [sent.unwrap_err(), made.unwrap_err()] {
            let Error::TooLarge { need, limit: told, .. } = error else { panic!("{error:?}") };
            assert_eq!((need, told), (len, limit));
        }
        rig.check();
    }
    // By bincode, several arguments: at least all their bytes, and what it says is enough.
    let argument = vec![1; 20_000];
    let error = rig.pool.spawn(tasks::exchange::call(1, &argument, 2, 3)).unwrap_err();
    let Error::TooLarge { need, .. } = error else { panic!("{error:?}") };
    assert!((20_000..20_100).contains(&need), "{need}");
    rig.end();
    let page = need.next_multiple_of(4096);
    let roomy = Rig::with(builder().workers(1).payload_limit(page));
    let sent = payload::bytes(1, 20_000);
    let back = roomy.pool.spawn(tasks::exchange::call(1, sent, 2, 3)).unwrap().get().unwrap();
    payload::check(&back, 2, 3);
    roomy.end();
}

/// `shutdown` finishes what was accepted; from then on `Closed`.
pub fn a_closed_pool_refuses_and_its_results_can_be_collected() {
    let pool = builder().workers(2).build().unwrap();
    let handles: Vec<_> = (0..10).map(|n| pool.spawn(tasks::nap::call(n)).unwrap()).collect();
    pool.shutdown();
    pool.shutdown();
    assert!(matches!(pool.spawn(tasks::square::call(1)), Err(Error::Closed)));
    for (n, handle) in (0..).zip(handles) {
        assert!(handle.is_finished());
        assert_eq!(handle.get().unwrap(), n);
    }
}

/// A call that does not end in time is `Closed` to its caller, queued or running.
pub fn a_pool_that_cannot_finish_in_time_closes_its_calls() {
    let pool = builder().workers(2).shutdown_timeout(SOON).build().unwrap();
    let handles: Vec<_> = (0..4).map(|_| pool.spawn(tasks::nap::call(600_000)).unwrap()).collect();
    let waiting = pool.spawn(tasks::nap::call(600_000)).unwrap();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| waiting.get());
        drop(pool);
        assert!(matches!(waits.join().unwrap(), Err(Error::Closed)));
    });
    for handle in handles {
        let end = handle.get();
        assert!(matches!(end, Err(Error::Closed)), "{end:?}");
    }
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! calling_scenes {
    ($($then:tt)*) => {
        $($then)*! { calling:
            a_handle_gives_the_result_once_it_is_there
            get_timeout_gives_the_handle_back_and_the_call_goes_on
            a_dropped_handle_detaches_its_call
            a_forgotten_handle_costs_a_slot_and_no_more
            a_task_gives_its_results_in_order
            a_task_gives_the_first_error_in_order_after_all_have_settled
            a_task_comes_back_when_the_time_is_up
            nested_calls_run_inside_the_worker
            a_result_of_the_users_own_is_a_value
            an_error_that_cannot_travel_arrives_as_text
            every_kind_of_value_travels
            payloads_of_every_size_travel
            too_large_says_exactly_what_was_needed
            a_closed_pool_refuses_and_its_results_can_be_collected
            a_pool_that_cannot_finish_in_time_closes_its_calls
        }
    };
}
