//! What only this crate can stage: real processes, and a client that does not keep to the rules.

use std::os::fd::AsFd;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use crate::call::{Arguments, Call, Encoder, Invocation};
use crate::codec::{self, Codec, Failure};
use crate::error::{Error, Exit};
use crate::pool::{Engine, Pool};
use crate::processes::client::launch::{self, Origin};
use crate::processes::client::{life, link::Link};
use crate::processes::{map, repair};
use crate::registry::{Declared, Entry};
use crate::shm::layout::Geometry;

fn never(_: Invocation<'_, '_, '_>) -> Result<(), Failure> {
    Err(Failure::Encode("this task is in no registry".to_owned()))
}

static STRANGER: Entry = Entry::new(Declared {
    name: Some("test.stranger"),
    type_name: std::any::type_name::<u8>,
    signature: "fn() -> u64",
    package: None,
    version: None,
    place: std::panic::Location::caller(),
    timeout: None,
    retries: 0,
    isolate: false,
    codec: Codec::Bincode,
    run: never,
});

/// A call of a task that no worker knows.
fn stranger() -> Call<'static, u64> {
    let encode = |_: &(), _: &mut Encoder<'_, '_>| Ok(());
    let body = Arguments { arguments: (), encode, run: |()| 0 };
    Call::new(&STRANGER, Box::new(body), |reply| codec::decode_whole(reply.codec, reply.payload))
}

fn pool() -> Pool {
    Pool::builder().workers(2).slots(8).payload_limit(1 << 20).build().unwrap()
}

fn client(pool: &Pool) -> &super::client::Client {
    match &pool.engine {
        Engine::Processes(client) => client,
        _ => panic!("the pool has no processes"),
    }
}

fn is_unknown(result: &crate::Result<u64>) -> bool {
    matches!(result, Err(Error::UnknownTask { task, .. }) if task == "test.stranger")
}

#[test]
fn an_unknown_task_is_an_error_and_the_worker_lives_on() {
    let pool = pool();
    for _ in 0..20 {
        let result = pool.spawn(stranger()).unwrap().get();
        assert!(is_unknown(&result), "{result:?}");
    }
}

#[test]
fn a_supervisor_with_other_tasks_starts_no_worker() {
    let settings = crate::Config::new().workers(1).slots(1).payload_limit(4096).settle().unwrap();
    let (region, file) = map::make(Geometry { slots: 1, workers: 1, window: 4096 }).unwrap();
    let mut hello = life::hello(region.geometry(), &settings, false).unwrap();
    hello.digest ^= 1;
    let launched =
        launch::launch(launch::settle_method(None).unwrap(), Origin::AsSettled, &settings).unwrap();
    let error = Link::start(launched, &file, None, &hello, &[], || Ok(())).map(drop).unwrap_err();
    assert!(matches!(&error, Error::Registry { what } if what.contains("different tasks")), "{error}");
}

#[test]
fn a_dead_supervisor_is_replaced() {
    let pool = pool();
    for _ in 0..3 {
        // Until one is answered: a call may have begun before the old workers were gone.
        loop {
            let result = pool.spawn(stranger()).unwrap().get();
            if is_unknown(&result) {
                break;
            }
            assert!(
                matches!(&result, Err(Error::Died { exit: Exit::Unknown, started: true, .. })),
                "{result:?}"
            );
        }
        client(&pool).life.lock().unwrap().link.as_ref().unwrap().kill();
    }
}

#[test]
fn a_dead_worker_takes_no_wake_up_with_it() {
    let (region, _file) = map::make(Geometry { slots: 1, workers: 2, window: 4096 }).unwrap();
    region.idle().insert(0);
    region.idle().insert(1);
    repair::after_death(&region, &repair::Death::unseen(&region, 1));
    assert_eq!((region.idle().take(1), region.idle().take(1)), (Some(0), None));
}

#[test]
fn somebody_who_only_polls_sees_the_replacement() {
    let pool = pool();
    client(&pool).life.lock().unwrap().link.as_ref().unwrap().kill();
    let handle = pool.spawn(stranger()).unwrap();
    let start = std::time::Instant::now();
    while !handle.is_finished() {
        assert!(start.elapsed() < Duration::from_secs(60), "{handle:?}");
        std::thread::yield_now();
    }
    assert!(handle.get().is_err());
}

#[test]
fn scribbled_words_settle_every_call() {
    let pool = pool();
    let region = &client(&pool).region;
    for garbage in [0, 0xf, 0xdead_beef_dead_beef, u64::MAX, 1 << 32 | 5] {
        let handles: Vec<_> = (0..8).map(|_| pool.spawn(stranger()).unwrap()).collect();
        for slot in 0..8 {
            region.slot(slot).state.store(garbage, SeqCst);
        }
        for handle in handles {
            let settled = handle.get_timeout(Duration::from_secs(60));
            assert!(matches!(settled, Ok(Err(_))), "{garbage:#x}: {settled:?}");
        }
        let result = pool.spawn(stranger()).unwrap().get();
        assert!(is_unknown(&result) || matches!(result, Err(Error::Died { .. })), "{result:?}");
    }
    assert!(is_unknown(&pool.spawn(stranger()).unwrap().get()));
}

#[test]
fn scribbled_words_do_not_stop_a_sender() {
    let pool = pool();
    let region = &client(&pool).region;
    // Done and running, of a generation that nobody holds.
    for garbage in [9 << 32 | 5, 9 << 32 | 4] {
        let handles: Vec<_> = (0..8).map(|_| pool.spawn(stranger()).unwrap()).collect();
        handles.iter().for_each(|handle| assert!(handle.wait_until(None)));
        (0..8).for_each(|slot| region.slot(slot).state.store(garbage, SeqCst));
        assert!(is_unknown(&pool.spawn(stranger()).unwrap().get()));
        assert!(handles.into_iter().all(|handle| handle.get().is_err()));
    }
}

#[test]
fn honest_words_never_look_impossible() {
    let pool = pool();
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                while !over.load(SeqCst) {
                    let result = pool.spawn(stranger()).unwrap().get();
                    assert!(is_unknown(&result), "{result:?}");
                }
            });
        }
        // What recovery does beside threads that collect and reserve.
        (0..500_000).for_each(|_| client(&pool).settle_impossible());
        over.store(true, SeqCst);
    });
    assert!(client(&pool).kept.lock().unwrap().is_empty());
}

#[test]
fn forged_outcomes_are_errors() {
    let pool = pool();
    let client = client(&pool);
    for (outcome, len) in [(0, 0), (7, 3), (1, u64::MAX), (2, u64::MAX), (2, 0), (1, 1)] {
        let handle = pool.spawn(stranger()).unwrap();
        while !handle.is_finished() {
            std::thread::yield_now();
        }
        for slot in 0..8 {
            client.region.slot(slot).outcome.store(outcome, SeqCst);
            client.region.slot(slot).result_len.store(len, SeqCst);
        }
        let result = handle.get();
        assert!(matches!(result, Err(Error::Decode { .. })), "{outcome} {len}: {result:?}");
    }
}

#[test]
fn a_region_that_could_shrink_is_refused() {
    let file = std::sync::Arc::new(crate::sys::memfd::create(c"test").unwrap());
    let geometry = Geometry { slots: 1, workers: 1, window: 4096 };
    crate::sys::memfd::set_len(file.as_fd(), geometry.total().unwrap() as u64).unwrap();
    assert!(map::map(file.clone(), geometry).is_err());
    crate::sys::memfd::seal_size(file.as_fd()).unwrap();
    assert!(map::map(file.clone(), geometry).is_ok());
    assert!(map::map(file, Geometry { slots: 2, ..geometry }).is_err());
}
