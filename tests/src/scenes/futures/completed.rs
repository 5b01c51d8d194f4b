//! Results as they come: of calls of every end, and with little time or none.

use std::time::Duration;

use multicore::{Elapsed, Error, Handle, as_completed};

use super::{SHORT, open, wait_and_panic};
use crate::fixture::Folder;
use crate::rig::{Rig, with_pool};
use crate::scenes::short::wait_for;
use crate::watch::eventually;

/// A call that succeeded, one that panicked, and one that was cancelled.
fn settled(rig: &Rig) -> Vec<Handle<()>> {
    let calls = [wait_for::call(""), wait_and_panic::call(""), wait_for::call("/nowhere")];
    let handles = calls.map(|call| rig.pool.spawn(call).unwrap());
    handles[2].cancel();
    eventually("all have settled", || handles.iter().all(Handle::is_finished));
    handles.into()
}

#[track_caller]
fn check(at: usize, result: &multicore::Result<()>) {
    let expected = match result {
        Err(Error::Panicked { .. }) => at == 1,
        Err(Error::Cancelled { .. }) => at == 2,
        result => result.is_ok() && at != 1 && at != 2,
    };
    assert!(expected, "{at}: {result:?}");
}

/// `test_no_timeout` of CPython's `AsCompletedTests`.
pub fn whatever_became_of_calls_each_comes_once() {
    with_pool(|rig| {
        let mut handles = settled(rig);
        handles.extend([(); 2].map(|()| rig.pool.spawn(wait_for::call("")).unwrap()));
        let mut seen = vec![false; handles.len()];
        for (at, result) in as_completed(handles) {
            check(at, &result);
            assert!(!std::mem::replace(&mut seen[at], true));
        }
        assert!(seen.into_iter().all(|seen| seen));
        assert!(as_completed(Vec::<Handle<()>>::new()).next().is_none());
    });
}

/// `test_future_times_out` and `test_correct_timeout_exception_msg` of CPython's `AsCompletedTests`. There the limit
/// is the whole iterator's and ends it, here each step has its own and the others can still be asked for.
pub fn what_is_settled_comes_though_there_is_no_time() {
    with_pool(|rig| {
        let folder = Folder::new();
        for (round, time) in [Duration::ZERO, SHORT].into_iter().enumerate() {
            let gate = folder.file(&round.to_string());
            let mut handles = settled(rig);
            handles.push(rig.pool.spawn(wait_for::call(&gate)).unwrap());
            let mut completed = as_completed(handles);
            for left in [3, 2, 1] {
                let (at, result) = completed.next_timeout(time).unwrap().unwrap();
                check(at, &result);
                assert_eq!(completed.len(), left);
            }
            for _ in 0..3 {
                assert!(matches!(completed.next_timeout(time), Err(Elapsed)));
                assert_eq!(completed.len(), 1, "how many are unfinished");
            }
            open(&gate);
            assert!(matches!(completed.next(), Some((3, Ok(())))));
            assert!(matches!(completed.next_timeout(time), Ok(None)));
        }
    });
}
