//! Progress, seen from outside while a task runs.

use multicore::{Handle, Progress};

use crate::fixture::Folder;
use crate::rig::{Rig, with_pool};
use crate::tasks;
use crate::watch::eventually;

/// What a call says of how far it has come, once it says so many.
#[track_caller]
fn seen<R>(handle: &Handle<R>, done: u64) -> Progress {
    let mut seen = None;
    eventually("it has come so far", || {
        seen = handle.progress().filter(|progress| progress.done == done);
        seen.is_some()
    });
    seen.expect("just seen")
}

/// Each report, and none before the first.
pub fn progress_is_seen_while_the_task_runs() {
    let rig = Rig::new(1);
    let folder = Folder::new();
    let (gate, other) = (folder.file("gate"), folder.file("other"));
    let first = rig.pool.spawn(tasks::silent::call(&other)).unwrap();
    let second = rig.pool.spawn(tasks::stages::call(&gate, 4)).unwrap();
    assert_eq!((first.progress(), second.progress()), (None, None), "nothing is said of one that is queued");
    tasks::open(&other);
    first.get().unwrap();
    for stage in 0..4 {
        let progress = seen(&second, stage);
        assert_eq!((progress.total, progress.message.as_str()), (4, format!("stage {stage}").as_str()));
        assert!((progress.fraction() - stage as f64 / 4.0).abs() < 1e-9);
        tasks::open(&format!("{gate}{stage}"));
    }
    assert_eq!(second.get().unwrap(), 4);
    rig.end();
}

/// Whatever the calls before it said on the same worker, in the same slot.
pub fn progress_is_that_of_the_call_alone() {
    with_pool(|rig| {
        let folder = Folder::new();
        for round in 0..20 {
            let gates = [folder.file(&format!("a{round}-")), folder.file(&format!("b{round}-"))];
            let silent = rig.pool.spawn(tasks::silent::call(&gates[0])).unwrap();
            let staged = rig.pool.spawn(tasks::stages::call(&gates[1], 1)).unwrap();
            assert_eq!(seen(&staged, 0).message, "stage 0");
            assert_eq!(silent.progress(), None);
            tasks::open(&format!("{}0", gates[1]));
            assert_eq!(staged.get().unwrap(), 1);
            assert_eq!(silent.progress(), None);
            tasks::open(&gates[0]);
            silent.get().unwrap();
        }
    });
}
