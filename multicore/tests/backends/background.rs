//! Who comes first, what a call says on the way, and what nobody waits for.

use multicore::{Backend, Error, JobState, find};

use crate::stage::Stage;
use crate::tasks;

/// And within one in the order of arrival.
pub(crate) fn higher_priorities_come_first(stage: &Stage) {
    let pool = stage.config().workers(1).build().unwrap();
    let path = stage.file("notes");
    let held = pool.spawn(tasks::hold::call(&stage.file("here"), &stage.file("gate"))).unwrap();
    stage.wait_for("here");
    let ranks = [0, -7, 3, 0, 7];
    let queued: Vec<_> = (0..)
        .zip(ranks)
        .map(|(line, rank)| pool.spawn(tasks::note::call(&path, line).priority(rank)).unwrap())
        .collect();
    stage.open("gate");
    queued.into_iter().for_each(|handle| handle.get().unwrap());
    assert!(!held.get().unwrap());
    let text = std::fs::read_to_string(&path).unwrap();
    assert_eq!(text.lines().collect::<Vec<_>>(), ["4", "2", "0", "3", "1"]);
}

pub(crate) fn a_priority_that_there_is_not_is_an_error(stage: &Stage) {
    let end = stage.end(tasks::square::call(1).priority(8));
    assert!(matches!(&end, Err(Error::Config { what, .. }) if what == "priority"), "{end:?}");
    assert_eq!(stage.get(tasks::square::call(2).priority(-7)), 4);
}

pub(crate) fn a_job_is_found_and_its_result_is_there_once(stage: &Stage) {
    let id = stage.pool.background(tasks::walk::call(12)).unwrap().id();
    let job = find(id).unwrap().downcast::<u64>().unwrap();
    assert_eq!(job.wait(), JobState::Done);
    if !stage.is(Backend::Inline) {
        let progress = job.progress().unwrap();
        assert_eq!((progress.done, progress.total, progress.message.as_str()), (12, 12, "there"));
    }
    let times = job.timestamps();
    assert!(times.queued <= times.started.unwrap() && times.started <= times.finished);
    assert_eq!(job.take().unwrap().unwrap(), 12);
    assert!(job.take().is_none());
    let failed = stage.pool.background(tasks::spill::call("tea")).unwrap();
    assert_eq!(failed.wait(), JobState::Failed);
    assert!(matches!(failed.get(), Some(Err(Error::Panicked { .. }))));
    let kept = stage.spawn(tasks::square::call(5)).into_job();
    assert_eq!(kept.get().unwrap().unwrap(), 25);
}

/// However many jobs there are, and however long they take.
pub(crate) fn jobs_keep_no_call_waiting(stage: &Stage) {
    let jobs: Vec<_> = (0..4)
        .map(|n| {
            stage
                .pool
                .background(tasks::hold::call(&stage.file(&n.to_string()), &stage.file("gate")))
                .unwrap()
        })
        .collect();
    stage.wait_for("0");
    for n in 0..20 {
        assert_eq!(stage.get(tasks::square::call(n)), n * n);
    }
    assert_eq!((jobs[0].state(), jobs[3].state()), (JobState::Running, JobState::Queued));
    jobs[3].cancel();
    assert_eq!(jobs[3].wait(), JobState::Cancelled);
    stage.open("gate");
    jobs[..3].iter().for_each(|job| assert!(!job.get().unwrap().unwrap()));
}

pub(crate) fn a_handle_tells_how_far_its_call_has_come(stage: &Stage) {
    let handle = stage.spawn(tasks::walk_and_hold::call(&stage.file("here"), &stage.file("gate")));
    stage.wait_for("here");
    let progress = handle.progress().unwrap();
    assert_eq!((progress.done, progress.total, progress.message.as_str()), (1, 2, "half"));
    stage.open("gate");
    assert!(!handle.get().unwrap());
}
