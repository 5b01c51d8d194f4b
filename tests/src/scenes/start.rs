//! How a pool's workers come to be, and where.

use std::fs::File;

use multicore::Handle;
use nix::sys::stat::Mode;

use crate::fixture::Folder;
use crate::procfs;
use crate::rig::{Rig, builder};
use crate::tasks;
use crate::watch::eventually;

/// One of two workers stays in its start hook until the other has answered.
pub fn the_first_call_does_not_wait_for_the_last_worker() {
    let folder = Folder::new();
    let gate = folder.file("gate");
    nix::unistd::mkfifo(gate.as_str(), Mode::S_IRWXU).unwrap();
    let rig = Rig::with(builder().workers(2).env("MULTICORE_TEST_GATE", &gate));
    // Both are there, and only one gets past.
    let first = rig.pool.spawn(tasks::whoami::call()).and_then(Handle::get).unwrap();
    assert_eq!(rig.pool.spawn(tasks::whoami::call()).and_then(Handle::get).unwrap(), first);
    // There is a reader, or this would wait.
    drop(File::options().write(true).open(&gate).unwrap());
    eventually("both workers answer", || {
        // Two at once: one after the other the same worker may take them all.
        let naps = [10, 10].map(|time| rig.pool.spawn(tasks::nap::call(time)).unwrap());
        assert_eq!(naps.map(|nap| nap.get().unwrap()), [10, 10]);
        rig.pool.state().workers.iter().filter(|worker| worker.calls > 0).count() == 2
    });
    rig.end();
}

/// The cores of each worker, in the order of the workers, once all are ready.
fn cores(rig: &Rig) -> Vec<Vec<usize>> {
    let workers = rig.pool.workers();
    let mut cores = Vec::new();
    eventually("each worker is kept to its core", || {
        let pids = rig.pool.state().workers.into_iter().filter_map(|worker| worker.pid);
        cores = pids.map(procfs::cores).collect();
        cores.len() == workers && cores.iter().all(|cores| cores.len() == 1)
    });
    cores
}

/// Whoever takes its place as well.
pub fn each_worker_is_kept_to_a_core_of_its_own() {
    let all = procfs::cores(std::process::id() as i32);
    let rig = Rig::with(builder().workers(all.len()).pin(true));
    let before = cores(&rig);
    let mut different = before.concat();
    different.sort_unstable();
    assert_eq!(different, all);
    for _ in 0..3 {
        let victim = rig.pool.spawn(tasks::raise::call(libc::SIGKILL)).and_then(Handle::get).unwrap_err();
        assert!(matches!(victim, multicore::Error::Died { .. }), "{victim:?}");
        assert_eq!(cores(&rig), before);
    }
    rig.end();
}

/// In turn, where there are fewer.
pub fn workers_share_the_cores_that_are_named() {
    let Some(last) = procfs::cores(std::process::id() as i32).pop() else { panic!("no core") };
    let rig = Rig::with(builder().cpus([last]).workers(3).pin(true));
    assert_eq!(cores(&rig), [[last], [last], [last]]);
    rig.end();
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! start_scenes {
    ($($then:tt)*) => {
        $($then)*! { start:
            the_first_call_does_not_wait_for_the_last_worker
            each_worker_is_kept_to_a_core_of_its_own
            workers_share_the_cores_that_are_named
        }
    };
}
