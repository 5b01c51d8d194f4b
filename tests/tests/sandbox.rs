//! Sandboxed pools: what their workers can do, what they cannot, and what one of them can do to the others.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use multicore::{Call, Config, Error, Exit, Handle, Pool, Sandbox, Signal};
use multicore_tests::fixture::{Fixture, Folder};
use multicore_tests::payload::{self, MOST, Random};
use multicore_tests::procfs;
use multicore_tests::rig::Rig;
use multicore_tests::watch::{LONG, eventually, within};
use multicore_tests::{attempts, tasks, wild};
use nix::sys::signal::{Signal as Kill, kill};
use nix::unistd::Pid;

const CLIENT: &str = env!("CARGO_BIN_EXE_client");

const SOON: Duration = Duration::from_millis(200);

fn pool(sandbox: Sandbox) -> Config {
    Pool::builder().workers(2).sandbox(sandbox)
}

/// A rig in a sandbox, with a watchdog.
fn with_rig(config: Config, scene: impl FnOnce(&Rig)) {
    within(LONG, || {
        let rig = Rig::with(config);
        scene(&rig);
        rig.end();
    });
}

#[track_caller]
fn outcome<R: 'static>(rig: &Rig, call: Call<'_, R>) -> multicore::Result<R> {
    rig.pool.spawn(call).and_then(Handle::get)
}

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

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn what_computing_needs_is_there() {
    with_rig(pool(Sandbox::new()), |rig| {
        for n in 0..20 {
            assert_eq!(outcome(rig, attempts::compute::call(n)).unwrap(), n * 6 + 1000 + (200 << 8));
        }
    });
}

/// What is there without walls, the scenes of the other tests show; this is about the walls.
#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn ends_of_every_kind_are_told_from_within_walls() {
    let config = pool(Sandbox::new()).data_limit(600 << 20);
    with_rig(config, |rig| {
        let died = |call: Call<'_, u64>, expected: Exit| match outcome(rig, call) {
            Err(Error::Died { exit, started: true, .. }) => assert_eq!(exit, expected),
            other => panic!("{expected:?}: {other:?}"),
        };
        died(tasks::abort::call(), Exit::Signal(Signal(libc::SIGABRT)));
        died(tasks::leave::call(3), Exit::Code(3));
        died(wild::bad_store::call(), Exit::Signal(Signal(libc::SIGSEGV)));
        died(tasks::overflow::call(), Exit::StackOverflow);
        died(tasks::raise::call(libc::SIGKILL), Exit::Signal(Signal(libc::SIGKILL)));
        died(hoard::call(), Exit::Signal(Signal(libc::SIGABRT)));
        let error = outcome(rig, tasks::panic_text::call("this")).unwrap_err();
        assert!(matches!(&error, Error::Panicked { message, .. } if message == "made of this"), "{error:?}");
        let error = outcome(rig, tasks::nap::call(600_000).timeout(SOON)).unwrap_err();
        assert!(matches!(error, Error::TimedOut { limit: SOON, .. }), "{error:?}");
        let handle = rig.pool.spawn(wander::call()).unwrap();
        eventually("the crumb is seen from outside", || {
            let state = rig.pool.state();
            let mut workers = state.workers.iter();
            workers
                .any(|worker| worker.breadcrumb.as_deref() == Some("in the sandbox") && worker.task.is_some())
        });
        handle.cancel();
        assert!(matches!(handle.get(), Err(Error::Cancelled { .. })));
        let error = outcome(rig, crumb_and_die::call("page 12")).unwrap_err();
        assert!(error.to_string().ends_with("(last seen at: page 12)"), "{error}");
    });
}

/// More memory than there is to be had; without the runtime's word about it.
#[multicore::task]
fn hoard() -> u64 {
    nix::unistd::close(2).unwrap();
    std::hint::black_box(vec![1u8; 2 << 30]).len() as u64
}

/// Says where it is, and stays.
#[multicore::task]
fn wander() {
    multicore::breadcrumb("in the sandbox");
    std::thread::sleep(Duration::from_secs(600));
}

/// Says where it is, and goes.
#[multicore::task]
fn crumb_and_die(text: &str) {
    multicore::breadcrumb(text);
    std::process::abort();
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn retries_run_elsewhere_and_recycling_loses_nothing() {
    with_rig(pool(Sandbox::new()), |rig| {
        let error = outcome(rig, tasks::abort::call().retries(3)).unwrap_err();
        assert!(matches!(error, Error::Died { started: true, .. }), "{error:?}");
    });
    within(LONG, || {
        let pool = pool(Sandbox::new()).max_calls(1).build().unwrap();
        let handles: Vec<_> = (0..60).map(|_| pool.spawn(tasks::whoami::call()).unwrap()).collect();
        let mut pids: Vec<_> = handles.into_iter().map(|handle| handle.get().unwrap()).collect();
        pids.sort_unstable();
        pids.dedup();
        assert_eq!(pids.len(), 60, "each call has a worker of its own");
    });
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn payloads_of_every_size_travel_through_both_regions() {
    with_rig(pool(Sandbox::new()).slots(8), |rig| {
        let mut random = Random::new(7);
        for round in 0..60 {
            let sizes = [(); 4].map(|()| (random.size(MOST as u64), random.size(MOST as u64)));
            let handles = sizes.map(|(sent, wanted)| {
                let call = tasks::exchange::call(round, payload::bytes(round, sent), round + 1, wanted);
                (rig.pool.spawn(call).unwrap(), wanted)
            });
            for (handle, wanted) in handles {
                payload::check(&handle.get().unwrap(), round + 1, wanted);
            }
        }
    });
    with_rig(pool(Sandbox::new()).payload_limit(8192), |rig| {
        let error = outcome(rig, tasks::zeroes::call(10_000)).unwrap_err();
        assert!(matches!(error, Error::TooLarge { limit: 8192, .. }), "{error:?}");
        assert_eq!(outcome(rig, tasks::zeroes::call(8000)).unwrap().len(), 8000);
    });
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn a_result_that_no_worker_can_reach_is_borrowed_as_a_slice() {
    let borrow = |sandbox, check: fn(Option<&[u8]>)| {
        with_rig(pool(sandbox), |rig| {
            let call = tasks::hand_back::call(payload::bytes(1, MOST));
            let borrowed = rig.pool.spawn(call).unwrap().get_ref().unwrap();
            assert!(borrowed.is_in_place());
            rig.check();
            check(borrowed.as_slice());
        });
    };
    borrow(Sandbox::new(), |slice| payload::check(slice.expect("nobody else can write"), 1, MOST));
    borrow(Sandbox::new().without_seccomp(), |slice| assert_eq!(slice, None, "somebody could find a way"));
}

/// Calls by their worker: what it answered last, and whether it lives.
type Calls = HashMap<i32, u64>;

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn work_is_shared_among_workers() {
    with_rig(Pool::builder().workers(3).sandbox(Sandbox::new()), |rig| {
        let handles: Vec<_> = (0..90).map(|_| rig.pool.spawn(nap_and_tell::call(5)).unwrap()).collect();
        let mut calls = Calls::new();
        for handle in handles {
            *calls.entry(handle.get().unwrap()).or_default() += 1;
        }
        assert!(calls.len() == 3 && calls.values().all(|count| *count > 5), "{calls:?}");
    });
}

/// Who ran it, after a while.
#[multicore::task]
fn nap_and_tell(milliseconds: u64) -> i32 {
    tasks::nap(milliseconds);
    std::process::id() as i32
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn a_bad_sandbox_is_an_error_that_says_so() {
    let error = |config: Config| match config.build() {
        Err(Error::Config { what, why, .. }) => format!("{what}: {why}"),
        other => panic!("{other:?}"),
    };
    let missing = error(pool(Sandbox::new().read("/nonexistent/folder")));
    assert!(missing.starts_with("sandbox: ") && missing.contains("/nonexistent/folder"), "{missing}");
    let forked = error(pool(Sandbox::new()).start(multicore::Start::Fork));
    assert!(forked.starts_with("start: "), "{forked}");
    let long = (0..2000).fold(Sandbox::new(), |sandbox, _| sandbox.read("/proc/version"));
    assert!(error(pool(long)).starts_with("sandbox: "));
}

/// Opens a sandboxed pool in a worker.
#[multicore::task]
fn nested() -> String {
    match pool(Sandbox::new()).build() {
        Err(Error::Refused { why, .. }) => why,
        other => format!("{other:?}"),
    }
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn calls_never_run_in_the_client() {
    within(LONG, || {
        let pool = pool(Sandbox::new()).build().unwrap();
        let inline = multicore::par_ranges!(0..4, tasks::ran_in, pool = &pool, inline = true);
        assert!(matches!(inline, Err(Error::Refused { .. })), "{inline:?}");
        let ran = multicore::par_ranges!(0..4, tasks::ran_in, pool = &pool).unwrap();
        assert!(!ran.contains(&(std::process::id() as i32)));
        let plain = Pool::builder().workers(1).build().unwrap();
        let why = plain.spawn(nested::call()).unwrap().get().unwrap();
        assert!(why.contains("sandboxed"), "{why}");
        // What a task calls itself runs where it is: inside.
        assert_eq!(pool.spawn(nested_calls::call()).unwrap().get().unwrap(), 9);
    });
    let told = Fixture::new(CLIENT, &["exec", "sandboxed", "inline"]).env("MULTICORE_BACKEND", "inline");
    let told = within(LONG, || told.run().output());
    assert!(told.starts_with("refused: ") && told.ends_with("\n9\n"), "{told}");
}

/// A call made by a call.
#[multicore::task]
fn nested_calls() -> u64 {
    tasks::square::call(3).get().unwrap()
}

#[track_caller]
fn plays(method: &str, part: &str) -> String {
    within(LONG, || Fixture::new(CLIENT, &[method, "sandboxed", part]).run().output())
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn a_program_that_forks_its_other_pools_execs_the_sandboxed_one() {
    assert_eq!(plays("fork", "beside-others"), "Some(Exec) 42 0\nSome(Fork) 42\n");
    assert_eq!(plays("exec", "beside-others"), "Some(Exec) 0 0\nSome(Exec) 0\n");
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn nobody_survives_the_kill_of_a_client_with_a_sandboxed_pool() {
    within(LONG, || {
        let mut client = Fixture::new(CLIENT, &["exec", "sandboxed", "hold"]).start();
        assert_eq!(client.line(), "ready");
        assert_eq!(client.family().len(), 4, "client, supervisor and two workers");
        client.signal(Kill::SIGKILL);
        // Waits until the whole family is gone.
        assert_eq!(client.wait().signal(), Some(libc::SIGKILL));
    });
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn sixty_four_descriptors_are_enough_for_eight_sandboxed_workers() {
    assert_eq!(plays("exec", "few-descriptors"), "Ok(49)\n");
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn what_the_kernel_lacks_is_an_error_that_names_the_way_without() {
    let check = |part: &str, words: &[&str]| {
        let told = plays("exec", part);
        assert!(words.iter().all(|word| told.contains(word)) && told.ends_with("\n9\n"), "{part}: {told}");
    };
    check("no-landlock", &["landlock_create_ruleset failed", "`Sandbox::without_landlock`"]);
    check("no-seccomp", &["seccomp failed", "`Sandbox::without_seccomp`"]);
    check("landlock-fails", &["10 times in a row", "the sandbox could not be set up: landlock"]);
    check("seccomp-fails", &["10 times in a row", "the sandbox could not be set up: seccomp"]);
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

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn the_death_of_the_supervisor_costs_what_was_handed_out() {
    with_rig(pool(Sandbox::new()), |rig| {
        for _ in 0..3 {
            let (supervisor, workers) = (rig.supervisor(), rig.workers());
            let running = [(); 2].map(|()| rig.pool.spawn(tasks::nap::call(600_000)).unwrap());
            eventually("both are at it", || {
                rig.pool.state().workers.iter().all(|worker| worker.task.is_some())
            });
            let queued: Vec<_> = (0..20).map(|n| rig.pool.spawn(tasks::square::call(n)).unwrap()).collect();
            kill(Pid::from_raw(supervisor.pid), Kill::SIGKILL).unwrap();
            for handle in running {
                let result = handle.get();
                assert!(matches!(result, Err(Error::Died { exit: Exit::Unknown, .. })), "{result:?}");
            }
            for (n, handle) in (0..).zip(queued) {
                assert_eq!(handle.get().unwrap(), n * n);
            }
            assert!(!workers.iter().any(|worker| worker.lives()));
        }
    });
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn dropping_a_pool_finishes_what_was_accepted() {
    within(LONG, || {
        for round in 0..10 {
            let pool = pool(Sandbox::new()).build().unwrap();
            let handles: Vec<_> = (0..50).map(|n| pool.spawn(tasks::nap::call(n % 3)).unwrap()).collect();
            drop(pool);
            for (n, handle) in (0..).zip(handles) {
                assert_eq!(handle.get().unwrap(), n % 3, "round {round}");
            }
        }
    });
}

/// Bytes of the private region that a scribble may hit: all before the windows, and the start of those.
const REACH: u64 = 24 << 10;

/// Writes what it likes over all that it shares with anybody, and then ends in one way or another.
#[multicore::task]
fn scribble(seed: u64) -> u64 {
    let mut random = Random::new(seed);
    let small = random.below(2) == 0;
    for _ in 0..1 + random.below(if small { 4 } else { 4000 }) {
        let value = match random.below(4) {
            0 => random.number(),
            1 => random.below(16),
            2 => 1 << random.below(64),
            // A state word of a generation that may be the right one.
            _ => random.below(8) << 32 | random.below(256),
        };
        wild::scribble(8 * random.below(REACH / 8) as usize, value);
    }
    match random.below(8) {
        0 => std::process::abort(),
        1 => tasks::nap(600_000),
        _ => seed,
    }
}

/// In a worker that somebody scribbled over it ends, or answers rightly: no other call is touched.
#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn a_worker_that_scribbles_over_all_it_can_reach_costs_its_own_calls_alone() {
    let seed = seed("MULTICORE_SCRIBBLE_SEED");
    let config = Pool::builder().workers(3).slots(12).sandbox(Sandbox::new());
    with_rig(config, |rig| {
        let over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let honest: Vec<_> = (0..2)
                .map(|thread| {
                    let over = &over;
                    scope.spawn(move || work_honestly(rig, seed ^ thread, over))
                })
                .collect();
            let mut ends = Calls::new();
            for round in 0..200 {
                let call = scribble::call(seed.wrapping_add(round)).timeout(Duration::from_millis(50));
                let end = match outcome(rig, call) {
                    Ok(_) => 0,
                    Err(Error::Died { .. }) => 1,
                    Err(Error::TimedOut { .. }) => 2,
                    // It wrote its own outcome.
                    Err(Error::Decode { .. } | Error::Panicked { .. }) => 3,
                    Err(other) => panic!("round {round}: {other:?}"),
                };
                *ends.entry(end).or_default() += 1;
            }
            over.store(true, Relaxed);
            let made: u64 = honest.into_iter().map(|thread| thread.join().unwrap()).sum();
            println!("ends {ends:?}, {made} honest calls");
            assert!(ends.len() >= 3 && made > 200, "{ends:?} {made}");
        });
    });
}

/// Calls whose results are checked, each a value that only it can have; how many.
fn work_honestly(rig: &Rig, seed: u64, over: &AtomicBool) -> u64 {
    let mut random = Random::new(seed);
    let mut made = 0;
    while !over.load(Relaxed) {
        let calls = [(); 4].map(|()| (random.number(), random.size(100_000), random.size(100_000)));
        let handles = calls.map(|(seed, sent, wanted)| {
            let call = tasks::exchange::call(seed, payload::bytes(seed, sent), !seed, wanted);
            rig.pool.spawn(call).unwrap()
        });
        for ((seed, _, wanted), handle) in calls.into_iter().zip(handles) {
            payload::check(&handle.get().unwrap(), !seed, wanted);
            made += 1;
        }
    }
    made
}

fn seed(variable: &str) -> u64 {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_nanos() as u64);
    let seed = std::env::var(variable).map_or_else(|_| now(), |text| text.parse().expect("a number"));
    println!("{variable}={seed} repeats this");
    seed
}

/// Says on a descriptor that it runs, and takes a little time.
#[multicore::task]
fn tell(descriptor: i32, n: u64, microseconds: u64) -> u64 {
    assert!(wild::write_to_number(descriptor, &n.to_ne_bytes()));
    std::thread::sleep(Duration::from_micros(microseconds));
    n * 3
}

/// A call by its number, and what became of it: `None` for its own result, else whether it had begun when its
/// worker died.
type Settled = (u64, Option<bool>);

/// Every call settles once, with its own result or a death, and none runs twice.
#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn every_call_settles_once_while_sandboxed_workers_are_killed() {
    let seed = seed("MULTICORE_CHAOS_SEED");
    let (mut reader, told) = std::io::pipe().unwrap();
    let number = told.as_raw_fd();
    let mut runs = HashMap::<u64, u64>::new();
    let mut settled = Vec::new();
    std::thread::scope(|scope| {
        // What workers tell, until nobody is left who could.
        let runs = &mut runs;
        scope.spawn(move || {
            let mut bytes = [0; 8];
            while reader.read_exact(&mut bytes).is_ok() {
                *runs.entry(u64::from_ne_bytes(bytes)).or_default() += 1;
            }
        });
        let config = Pool::builder().workers(3).slots(16).sandbox(Sandbox::new()).keep_fds([number]);
        with_rig(config, |rig| settled = under_fire(rig, number, seed));
        drop(told);
    });
    let count = |wanted: Option<bool>| settled.iter().filter(|(_, end)| *end == wanted).count();
    println!("{} right, {} died running, {} before", count(None), count(Some(true)), count(Some(false)));
    for (n, end) in &settled {
        let times = runs.get(n).copied().unwrap_or(0);
        let possible = match end {
            None => times == 1,
            Some(started) => times <= u64::from(*started),
        };
        assert!(possible, "call {n} ended as {end:?} and ran {times} times");
    }
    assert!(count(None) > 0 && count(Some(true)) > 0);
}

/// Calls from three threads while processes are killed.
fn under_fire(rig: &Rig, number: i32, seed: u64) -> Vec<Settled> {
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..3)
            .map(|thread| {
                let over = &over;
                scope.spawn(move || call_until(rig, number, thread << 32, seed ^ thread, over))
            })
            .collect();
        kill_some(rig, 100, !seed);
        over.store(true, Relaxed);
        callers.into_iter().flat_map(|caller| caller.join().unwrap()).collect()
    })
}

fn call_until(rig: &Rig, number: i32, first: u64, seed: u64, over: &AtomicBool) -> Vec<Settled> {
    let mut random = Random::new(seed);
    let mut numbers = first..;
    let mut settled = Vec::new();
    while !over.load(Relaxed) {
        let group: Vec<_> = (&mut numbers)
            .take(1 + random.below(8) as usize)
            .map(|n| (n, rig.pool.spawn(tell::call(number, n, random.below(300))).unwrap()))
            .collect();
        settled.extend(group.into_iter().map(|(n, handle)| match handle.get() {
            Ok(value) => {
                assert_eq!(value, n * 3);
                (n, None)
            }
            Err(Error::Died { started, .. }) => (n, Some(started)),
            Err(other) => panic!("call {n}: {other}"),
        }));
    }
    settled
}

/// Kills workers, and now and then the supervisor.
fn kill_some(rig: &Rig, kills: u64, seed: u64) {
    let mut random = Random::new(seed);
    let mut supervisor = rig.supervisor();
    let mut killed = 0;
    while killed < kills {
        std::thread::sleep(Duration::from_micros(500 + random.below(8000)));
        if !supervisor.lives() {
            supervisor = rig.supervisor();
        }
        let workers = procfs::children(supervisor.pid);
        let worker = workers.get(random.below(1 + workers.len() as u64) as usize);
        let victim = if random.below(12) == 0 { Some(&supervisor) } else { worker };
        // One that has ended since was collected by the supervisor, whose child alone it can be.
        if let Some(victim) = victim.filter(|victim| victim.lives())
            && kill(Pid::from_raw(victim.pid), Kill::SIGKILL).is_ok()
        {
            killed += 1;
        }
    }
}
