//! Handles, groups and room as futures.

use std::task::{Context, Waker};

use multicore::{Backend, Error, Task};

use crate::stage::Stage;
use crate::tasks;

pub(crate) fn handles_and_groups_are_awaited(stage: &Stage) {
    smol::block_on(async {
        let handles: Vec<_> = (0..100).map(|n| stage.spawn(tasks::square::call(n))).collect();
        for (n, handle) in (0..).zip(handles) {
            assert_eq!(handle.await.unwrap(), n * n);
        }
        let mut task = Task::on(&stage.pool);
        (0..100).for_each(|n| task.run(tasks::square::call(n)).unwrap());
        assert_eq!(task.await.unwrap(), (0..100).map(|n| n * n).collect::<Vec<_>>());
        let error = stage.spawn(tasks::spill::call("tea")).await.unwrap_err();
        assert!(matches!(error, Error::Panicked { .. }), "{error:?}");
    });
}

/// In more slots than there are, by one that holds none up.
pub(crate) fn room_is_awaited(stage: &Stage) {
    smol::block_on(async {
        let mut handles = Vec::new();
        for n in 0..100 {
            handles.push(stage.pool.reserve().await.unwrap().spawn(tasks::square::call(n)).unwrap());
        }
        for (n, handle) in (0..).zip(handles) {
            assert_eq!(handle.await.unwrap(), n * n);
        }
    });
    stage.pool.shutdown();
    let end = smol::block_on(stage.pool.reserve()).map(drop);
    assert_eq!(end.is_ok(), stage.is(Backend::Inline), "{end:?}");
}

/// And comes when one is over; who leaves the line keeps nobody waiting.
pub(crate) fn who_awaits_room_stands_in_line(stage: &Stage) {
    let held: Vec<_> = (0..8)
        .map(|n| stage.spawn(tasks::hold::call(&stage.file(&n.to_string()), &stage.file("gate"))))
        .collect();
    let mut waits = [stage.pool.reserve(), stage.pool.reserve(), stage.pool.reserve()].map(Box::pin);
    let mut nobody = Context::from_waker(Waker::noop());
    for one in &mut waits {
        assert!(one.as_mut().poll(&mut nobody).is_pending(), "there is no room");
    }
    let [first, second, third] = waits;
    drop(first);
    stage.open("gate");
    let (second, third) = smol::block_on(async { (second.await.unwrap(), third.await.unwrap()) });
    held.into_iter().for_each(|handle| assert!(!handle.get().unwrap()));
    drop(second);
    assert_eq!(third.spawn(tasks::square::call(3)).unwrap().get().unwrap(), 9);
    let all: Vec<_> = (0..8).map(|n| stage.spawn(tasks::square::call(n))).collect();
    all.into_iter().zip(0..).for_each(|(handle, n)| assert_eq!(handle.get().unwrap(), n * n));
}

#[cfg(feature = "stream")]
pub(crate) fn a_map_is_a_stream(stage: &Stage) {
    use smol::stream::StreamExt;

    let calls = || (0..300).map(tasks::square::call);
    let expected: Vec<u64> = (0..300).map(|n| n * n).collect();
    let mut squares: Vec<u64> =
        smol::block_on(stage.pool.map(calls()).into_stream().map(Result::unwrap).collect());
    assert_eq!(squares, expected);
    let unordered = stage.pool.map_unordered(calls()).in_flight(5).into_stream();
    squares = smol::block_on(unordered.map(Result::unwrap).collect());
    squares.sort_unstable();
    assert_eq!(squares, expected);
    let mut endless = stage.pool.map((0..).map(tasks::square::call)).into_stream();
    assert_eq!(smol::block_on(endless.next()).unwrap().unwrap(), 0);
    stage.pool.shutdown();
    let after = smol::block_on(stage.pool.map(calls()).into_stream().next()).unwrap();
    assert_eq!(after.is_ok(), stage.is(Backend::Inline), "{after:?}");
}
