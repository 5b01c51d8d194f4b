//! Jobs: started by one, found by another, collected once.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use multicore::{Error, Exit, Job, JobId, JobState, Signal};
use nix::sys::signal::Signal as Kill;

use super::faults::kill;
use crate::fixture::Folder;
use crate::rig::{Rig, builder, with_pool};
use crate::tasks;
use crate::watch::eventually;

/// Waits until it is in this state.
#[track_caller]
fn comes_to<R: Send + 'static>(job: &Job<R>, state: JobState) {
    eventually("the job is in that state", || job.state() == state);
}

/// As a page that shows it would: from its beginning to its end.
pub fn a_job_is_watched_from_outside() {
    let rig = Rig::new(1);
    let folder = Folder::new();
    let (busy, gate) = (folder.file("busy"), folder.file("gate"));
    let first = rig.pool.spawn(tasks::silent::call(&busy)).unwrap();
    let job = rig.pool.background(tasks::stages::call(&gate, 2)).unwrap();
    assert_eq!((job.state(), job.progress()), (JobState::Queued, None));
    tasks::open(&busy);
    first.get().unwrap();
    comes_to(&job, JobState::Running);
    for stage in 0..2 {
        eventually("it has come so far", || job.progress().is_some_and(|progress| progress.done == stage));
        assert_eq!(job.progress().unwrap().message, format!("stage {stage}"));
        assert!(job.take().is_none(), "it is not finished");
        tasks::open(&format!("{gate}{stage}"));
    }
    assert_eq!(job.wait(), JobState::Done);
    assert_eq!(job.progress().unwrap().fraction(), 1.0);
    assert_eq!(job.get().unwrap().unwrap(), 2);
    assert_eq!((job.state(), job.progress().unwrap().done), (JobState::Done, 2));
    rig.end();
}

/// By its ID alone, as text; and by nothing else.
pub fn a_job_is_found_by_its_id() {
    with_pool(|rig| {
        let other = builder().workers(1).build().unwrap();
        let folder = Folder::new();
        let gate = folder.file("gate");
        let held = rig.pool.background(tasks::silent::call(&gate)).unwrap().id().to_string();
        let square = other.background(tasks::square::call(9)).unwrap().id().to_string();
        std::thread::spawn(move || {
            let find = |id: &str| multicore::find(id.parse().unwrap());
            let job = find(&square).unwrap();
            assert_eq!(
                (job.task(), job.id().to_string()),
                ("multicore_tests::tasks::square", square.clone())
            );
            let job = job.downcast::<String>().expect_err("it is no text");
            let job = job.downcast::<u64>().unwrap();
            assert_eq!(job.get().unwrap().unwrap(), 81);
            assert!(find(&square).unwrap().downcast::<u64>().unwrap().take().is_none());
            let job = find(&held).unwrap();
            assert!(!job.state().is_finished());
            assert!(multicore::jobs().iter().any(|other| other.id() == job.id()));
            tasks::open(&gate);
            assert_eq!(job.wait(), JobState::Done);
            assert!(find("00112233445566778899aabbccddeeff").is_none());
        })
        .join()
        .unwrap();
        let ids: HashSet<JobId> = (0..100)
            .map(|n| [&rig.pool, &other][n as usize % 2].background(tasks::square::call(n)).unwrap().id())
            .collect();
        assert_eq!(ids.len(), 100);
        assert!(ids.iter().all(|id| multicore::find(*id).is_some()));
    });
}

/// By whoever comes first.
pub fn a_result_is_taken_once() {
    with_pool(|rig| {
        for n in 0..50 {
            let job = rig.pool.background(tasks::square::call(n)).unwrap();
            let takers = [(); 4].map(|()| {
                let job = job.clone();
                std::thread::spawn(move || job.get())
            });
            let taken: Vec<_> = takers.into_iter().filter_map(|taker| taker.join().unwrap()).collect();
            assert_eq!(taken.len(), 1);
            assert_eq!(taken[0].as_ref().unwrap(), &(n * n));
            assert_eq!(job.state(), JobState::Done);
        }
    });
}

/// With the error of any call.
pub fn a_job_that_fails_says_why() {
    with_pool(|rig| {
        let folder = Folder::new();
        let job = rig.pool.background(tasks::announce::call(&folder.file("a"), 600_000)).unwrap();
        let worker = folder.process("a");
        comes_to(&job, JobState::Running);
        kill(&worker, Kill::SIGKILL);
        assert_eq!(job.wait(), JobState::Failed);
        assert!(job.timestamps().finished.is_some());
        let error = job.take().unwrap().unwrap_err();
        let Error::Died { pid, exit, started: true, .. } = error else { panic!("{error:?}") };
        assert_eq!((pid, exit), (worker.pid, Exit::Signal(Signal(libc::SIGKILL))));
        let job = rig.pool.background(tasks::panic_literal::call()).unwrap();
        assert_eq!(job.wait(), JobState::Failed);
        assert!(matches!(job.take(), Some(Err(Error::Panicked { .. }))));
    });
}

/// Queued and running.
pub fn a_job_is_cancelled() {
    let rig = Rig::new(1);
    let folder = Folder::new();
    let running = rig.pool.background(tasks::announce::call(&folder.file("a"), 600_000)).unwrap();
    let worker = folder.process("a");
    let queued = rig.pool.background(tasks::note::call(&folder.file("b"), 1)).unwrap();
    queued.cancel();
    assert_eq!(queued.state(), JobState::Cancelled);
    multicore::find(running.id()).unwrap().cancel();
    assert_eq!(running.wait(), JobState::Cancelled);
    assert!(!worker.lives());
    assert!(matches!(queued.take(), Some(Err(Error::Cancelled { .. }))));
    assert!(matches!(running.take(), Some(Err(Error::Cancelled { .. }))));
    assert_eq!((queued.state(), running.state()), (JobState::Cancelled, JobState::Cancelled));
    assert!(!std::path::Path::new(&folder.file("b")).exists());
    rig.end();
}

/// And stay as they are.
pub fn the_times_of_a_job_are_in_order() {
    with_pool(|rig| {
        let before = SystemTime::now();
        let job = rig.pool.background(tasks::nap::call(5)).unwrap();
        assert!(job.timestamps().queued >= before);
        job.wait();
        let times = job.timestamps();
        let (started, finished) = (times.started.unwrap(), times.finished.unwrap());
        assert!(finished >= started + Duration::from_millis(5));
        // The clock that people read may be set meanwhile: by a little here.
        let slack = Duration::from_millis(1);
        assert!(times.queued <= started + slack && finished <= SystemTime::now() + slack);
        assert_eq!(job.get().unwrap().unwrap(), 5);
        assert_eq!(job.timestamps(), times);
    });
}

/// Wherever it lies, and whoever holds the job.
pub fn a_result_that_nobody_collects_is_dropped() {
    let rig = Rig::with(builder().workers(1).slots(4).keep_results(Duration::from_millis(50)));
    let folder = Folder::new();
    let gate = folder.file("gate");
    let ids: Vec<_> = (0..8).map(|n| rig.pool.background(tasks::square::call(n)).unwrap().id()).collect();
    let job = rig.pool.background(tasks::silent::call(&gate)).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert!(multicore::find(job.id()).is_some(), "it is not finished");
    tasks::open(&gate);
    job.wait();
    eventually("all are forgotten", || ids.iter().all(|id| multicore::find(*id).is_none()));
    eventually("this one too", || multicore::find(job.id()).is_none());
    assert_eq!((job.state(), job.take().is_none()), (JobState::Done, true));
    assert!(job.get().is_none());
    rig.end();
}

/// With its pool's slots used a hundred times over, and every one of its workers busy with others.
pub fn what_a_job_said_last_stays() {
    let rig = Rig::with(builder().workers(1).slots(4));
    let folder = Folder::new();
    let gate = folder.file("gate");
    (0..3).for_each(|stage| tasks::open(&format!("{gate}{stage}")));
    let jobs: Vec<_> =
        (1..=3).map(|count| rig.pool.background(tasks::stages::call(&gate, count)).unwrap()).collect();
    for _ in 0..100 {
        assert_eq!(rig.pool.spawn(tasks::stages::call(&gate, 1)).unwrap().get().unwrap(), 1);
    }
    for (count, job) in (1..).zip(jobs) {
        job.wait();
        let progress = job.progress().unwrap();
        assert_eq!((progress.done, progress.total), (count, count));
        let times = job.timestamps();
        assert!(times.started.unwrap() <= times.finished.unwrap());
        assert_eq!(job.get().unwrap().unwrap(), count);
    }
    rig.end();
}

/// Also once it was sent as any call is.
pub fn a_handle_becomes_a_job() {
    with_pool(|rig| {
        let folder = Folder::new();
        let gate = folder.file("gate");
        let id = rig.pool.spawn(tasks::stages::call(&gate, 1)).unwrap().into_job().id();
        let job = multicore::find(id).unwrap().downcast::<u64>().unwrap();
        eventually("it runs", || job.progress().is_some());
        assert_eq!((job.state(), job.timestamps().started), (JobState::Running, None));
        tasks::open(&format!("{gate}0"));
        assert_eq!((job.wait(), job.get().unwrap().unwrap()), (JobState::Done, 1));
        let finished = rig.pool.spawn(tasks::square::call(3)).unwrap();
        eventually("it is finished", || finished.is_finished());
        let job = finished.into_job();
        assert_eq!((job.state(), job.take().unwrap().unwrap()), (JobState::Done, 9));
    });
}

/// Those that were finished in time can be collected, the others have failed.
pub fn jobs_outlive_their_pool() {
    let folder = Folder::new();
    let pool = builder().workers(1).shutdown_timeout(Duration::from_millis(200)).build().unwrap();
    let done = pool.background(tasks::square::call(7)).unwrap();
    let endless = pool.background(tasks::announce::call(&folder.file("a"), 600_000)).unwrap();
    let queued = pool.background(tasks::square::call(8)).unwrap();
    folder.process("a");
    drop(pool);
    assert_eq!(
        [done.wait(), endless.wait(), queued.wait()],
        [JobState::Done, JobState::Failed, JobState::Failed]
    );
    assert_eq!(done.take().unwrap().unwrap(), 49);
    for job in [endless, queued] {
        assert!(matches!(job.take(), Some(Err(Error::Closed))));
    }
}

/// Whatever dies: the workers again and again.
pub fn jobs_settle_while_workers_are_killed() {
    with_pool(|rig| {
        let folder = Folder::new();
        let path = |n: u64| folder.file(&n.to_string());
        let jobs: Vec<_> =
            (0..20).map(|n| rig.pool.background(tasks::announce::call(&path(n), 5)).unwrap()).collect();
        for n in (0..20).step_by(4) {
            // It may be over by now.
            let _ = nix::sys::signal::kill(
                nix::unistd::Pid::from_raw(folder.process(&n.to_string()).pid),
                Kill::SIGKILL,
            );
        }
        for job in jobs {
            let state = job.wait();
            let times = job.timestamps();
            assert!(times.started.is_some() && times.finished >= times.started, "{job:?}: {times:?}");
            match job.get().unwrap() {
                Ok(value) => assert_eq!((state, value), (JobState::Done, 5)),
                Err(Error::Died { started: true, .. }) => assert_eq!(state, JobState::Failed),
                Err(other) => panic!("{other:?}"),
            }
        }
    });
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! job_scenes {
    ($($then:tt)*) => {
        $($then)*! { jobs:
            a_job_is_watched_from_outside
            a_job_is_found_by_its_id
            a_result_is_taken_once
            a_job_that_fails_says_why
            a_job_is_cancelled
            the_times_of_a_job_are_in_order
            a_result_that_nobody_collects_is_dropped
            what_a_job_said_last_stays
            a_handle_becomes_a_job
            jobs_outlive_their_pool
            jobs_settle_while_workers_are_killed
        }
    };
}
