//! Which files and which calls of the kernel a worker has, and when the walls come up.

use std::fs;

use multicore::{Error, Handle, Pool, Sandbox};
use multicore_tests::fixture::Folder;
use multicore_tests::watch::{LONG, within};
use multicore_tests::{attempts, tasks, wild};

use crate::{outcome, pool, with_rig};

/// A folder `in`, with a file and a folder in it, beside a file `out`; links from one to the other.
fn two_places() -> Folder {
    let folder = Folder::new();
    let path = folder.path();
    fs::create_dir_all(path.join("in/below")).unwrap();
    for name in ["in/file", "in/below/file", "out"] {
        fs::write(path.join(name), name).unwrap();
    }
    std::os::unix::fs::symlink(path.join("out"), path.join("in/link")).unwrap();
    std::os::unix::fs::symlink(path.join("in"), path.join("way")).unwrap();
    folder
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn a_worker_reads_what_is_named_and_nothing_else() {
    let folder = two_places();
    let sandbox = Sandbox::new().read(folder.path().join("way")).read("/proc/version");
    with_rig(pool(sandbox), |rig| {
        let read = |name: &str| outcome(rig, attempts::read::call(&folder.file(name))).unwrap();
        for name in ["in/file", "in/below/file", "in/below/../file"] {
            assert!(read(name).is_ok_and(|text| name.starts_with("in") && !text.is_empty()), "{name}");
        }
        assert_eq!(read("in/file").unwrap(), b"in/file");
        assert_eq!(outcome(rig, attempts::list::call(&folder.file("in"))).unwrap(), Ok(3));
        assert!(outcome(rig, attempts::read::call("/proc/version")).unwrap().is_ok());
        for name in ["out", "in/link", "in/../out"] {
            assert_eq!(read(name), Err(libc::EACCES), "{name}");
        }
        assert_eq!(outcome(rig, attempts::list::call(&folder.file(""))).unwrap(), Err(libc::EACCES));
        let own = std::env::current_exe().unwrap();
        let others =
            [own.to_str().unwrap(), "/etc/passwd", "/dev/null", "/proc/self/maps", "/proc/self/environ"];
        for path in others {
            assert_eq!(outcome(rig, attempts::read::call(path)).unwrap(), Err(libc::EACCES), "{path}");
        }
    });
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn a_worker_sees_nothing_of_other_processes() {
    with_rig(pool(Sandbox::new()), |rig| {
        let (client, supervisor) = (std::process::id() as i32, rig.supervisor().pid);
        let other = rig.workers()[0].pid;
        for pid in [client, supervisor, other] {
            for file in ["environ", "maps", "mem", "cmdline"] {
                let path = format!("/proc/{pid}/{file}");
                assert_eq!(outcome(rig, attempts::read::call(&path)).unwrap(), Err(libc::EACCES), "{path}");
            }
        }
    });
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn a_worker_changes_no_file() {
    let folder = two_places();
    let inside = folder.file("in");
    with_rig(pool(Sandbox::new().read(&inside)), |rig| {
        for (what, error) in outcome(rig, attempts::change::call(&inside)).unwrap() {
            assert_eq!(error, libc::EPERM, "{what}");
        }
        assert_eq!(fs::read(folder.file("in/file")).unwrap(), b"in/file");
        assert_eq!(fs::read_dir(&inside).unwrap().count(), 3);
    });
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn calls_of_the_kernel_that_reach_out_are_refused() {
    with_rig(pool(Sandbox::new()), |rig| {
        let tried = outcome(rig, attempts::reach_out::call()).unwrap();
        assert!(tried.len() > 70);
        for (what, error) in tried {
            assert_eq!(error, libc::EPERM, "{what}");
        }
        assert_eq!(outcome(rig, attempts::calls_with_an_older_way::call()).unwrap(), [libc::ENOSYS; 3]);
    });
}

/// Or the test before would show nothing.
#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn the_same_calls_are_allowed_to_other_workers() {
    if wild::user() != 0 {
        return eprintln!("needs root: others may not make all of them");
    }
    within(LONG, || {
        let pool = Pool::builder().workers(1).build().unwrap();
        let tried = pool.spawn(attempts::reach_out::call()).unwrap().get().unwrap();
        let refused: Vec<_> = tried.iter().filter(|(_, error)| *error == libc::EPERM).collect();
        assert!(refused.is_empty(), "{refused:?}");
    });
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn each_wall_stands_without_the_other() {
    let folder = two_places();
    let (inside, out) = (folder.file("in"), folder.file("out"));
    // Landlock alone: the same files, by its own error.
    with_rig(pool(Sandbox::new().read(&inside).without_seccomp()), |rig| {
        assert_eq!(outcome(rig, attempts::read::call(&out)).unwrap(), Err(libc::EACCES));
        for (what, error) in outcome(rig, attempts::change::call(&inside)).unwrap() {
            assert_eq!(error, libc::EACCES, "{what}");
        }
    });
    // Seccomp alone: everything can be read and nothing written.
    with_rig(pool(Sandbox::new().without_landlock()), |rig| {
        assert_eq!(outcome(rig, attempts::read::call(&out)).unwrap(), Ok(b"out".to_vec()));
        for (what, error) in outcome(rig, attempts::change::call(&inside)).unwrap() {
            assert_eq!(error, libc::EPERM, "{what}");
        }
    });
    assert_eq!(fs::read(folder.file("in/file")).unwrap(), b"in/file");
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn start_functions_run_before_the_walls_are_up() {
    let folder = two_places();
    let config = pool(Sandbox::new()).workers(1).env("MULTICORE_TEST_OPEN_EARLY", folder.file("out"));
    with_rig(config, |rig| {
        assert_eq!(outcome(rig, attempts::read::call(&folder.file("out"))).unwrap(), Err(libc::EACCES));
        assert_eq!(outcome(rig, tasks::read_opened::call()).unwrap().as_deref(), Some("out"));
    });
}

/// Newer kernels restrict the thread along with the worker.
#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn a_thread_of_a_start_function_is_never_left_outside() {
    within(LONG, || {
        let pool = pool(Sandbox::new()).env("MULTICORE_TEST_EARLY_THREAD", "1").build().unwrap();
        match pool.spawn(attempts::read::call("/etc/passwd")).and_then(Handle::get) {
            Err(Error::RestartLimit { cause, .. }) => assert!(cause.contains("1 thread"), "{cause}"),
            other => assert_eq!(other.unwrap(), Err(libc::EACCES)),
        }
    });
}
