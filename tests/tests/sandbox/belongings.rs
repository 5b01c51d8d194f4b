//! What a worker has of others: environment, descriptors, memory.

use std::fs;
use std::os::fd::AsRawFd;

use multicore::Sandbox;
use multicore_tests::payload::Random;
use multicore_tests::watch::eventually;
use multicore_tests::{attempts, tasks, wild};

use crate::{crumb_and_die, outcome, pool, seed, with_rig};

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn a_worker_has_nothing_of_the_clients_environment() {
    assert!(std::env::vars().count() > 2, "there is something to hide");
    let config = pool(Sandbox::new()).env("GIVEN", "this");
    with_rig(config, |rig| {
        let expected = [("GIVEN", "this"), ("OMP_NUM_THREADS", "1"), ("RAYON_NUM_THREADS", "1")];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(outcome(rig, attempts::environment::call()).unwrap(), expected);
        for process in rig.workers().into_iter().chain([rig.supervisor()]) {
            let bytes = fs::read(format!("/proc/{}/environ", process.pid)).unwrap();
            let names: Vec<_> = bytes.split(|byte| *byte == 0).filter(|text| !text.is_empty()).collect();
            assert_eq!(names.len(), 4, "those, and the marker of the child: {process:?}");
        }
    });
}

/// What the kernel shows as open in a process.
fn open_in(pid: i32) -> Vec<String> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| {
            let target = fs::read_link(entry.path()).unwrap_or_default().to_string_lossy().into_owned();
            // "pipe:[123]" has a number that changes.
            target.split(['[', ' ']).next().unwrap_or_default().to_owned()
        })
        .collect();
    names.sort();
    names
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn a_worker_has_its_own_descriptors_and_no_others() {
    let [_kept_here, lost] = wild::inheritable_pipe();
    assert!(lost.as_raw_fd() > 2);
    with_rig(pool(Sandbox::new()), |rig| {
        assert_eq!(outcome(rig, tasks::square::call(3)).unwrap(), 9);
        let standard: Vec<_> =
            [1, 2].map(|fd| fs::read_link(format!("/proc/self/fd/{fd}")).unwrap()).into_iter().collect();
        for worker in rig.workers() {
            let mut open = open_in(worker.pid);
            for target in ["/dev/null", "/memfd:multicore-private", "anon_inode:", "pipe:"] {
                let at = open.iter().position(|name| name == target);
                open.remove(at.unwrap_or_else(|| panic!("no {target} in {open:?}")));
            }
            assert_eq!(open.len(), standard.len(), "standard output and error: {open:?}");
        }
    });
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn a_worker_maps_its_own_region_and_nothing_of_the_pools() {
    with_rig(pool(Sandbox::new()), |rig| {
        let pages = |pid: i32| -> Vec<String> {
            let maps = fs::read_to_string(format!("/proc/{pid}/maps")).unwrap();
            // "start-end rights offset device inode name": one file, however many parts.
            let of_regions = maps.lines().filter(|line| line.contains("memfd:multicore"));
            let mut files: Vec<_> = of_regions
                .map(|line| line.split_ascii_whitespace().skip(3).collect::<Vec<_>>().join(" "))
                .collect();
            files.sort();
            files.dedup();
            files
        };
        let supervisor = pages(rig.supervisor().pid);
        assert_eq!(supervisor.len(), 3, "the pool's and two private ones: {supervisor:?}");
        let mut seen = Vec::new();
        for worker in rig.workers() {
            // One that was forked this moment maps it first.
            eventually("a worker has its region", || !pages(worker.pid).is_empty());
            let own = pages(worker.pid);
            assert!(own.len() == 1 && own[0].contains("multicore-private"), "{own:?}");
            seen.extend(own);
        }
        assert_ne!(seen[0], seen[1], "each has its own");
    });
}

/// The next worker is forked from the process that heard them.
#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn last_words_of_one_worker_are_not_in_the_memory_of_the_next() {
    // Its end: who frees memory may write over the beginning.
    let number = Random::new(seed("MULTICORE_SECRET_SEED")).number().to_string();
    let secret = format!("page 12 of the document with this number: {number}");
    let backwards: String = number.chars().rev().collect();
    let config = pool(Sandbox::new()).workers(1).env("MULTICORE_TEST_LOOK_FOR", backwards);
    with_rig(config, |rig| {
        for round in 0..5 {
            let error = outcome(rig, crumb_and_die::call(&secret)).unwrap_err();
            assert!(error.to_string().ends_with(&format!("(last seen at: {secret})")), "{error}");
            assert_eq!(outcome(rig, attempts::found_at_start::call()).unwrap(), Some(0), "round {round}");
        }
    });
}
