//! What a pool lets its workers use, how long, and what they say while they run.

use std::path::Path;
use std::time::Duration;

use multicore::{AbortOnDrop, Call, Config, Error, Exit, Handle, Pool, Signal};

use crate::fixture::Folder;
use crate::procfs::Stat;
use crate::rig::{Rig, builder, with_pool};
use crate::watch::eventually;
use crate::{tasks, wild};

const SOON: Duration = Duration::from_millis(200);
/// Far longer than a test takes.
const LONG: Duration = Duration::from_secs(600);

fn one() -> Config {
    builder().workers(1)
}

#[track_caller]
fn outcome<R: 'static>(pool: &Pool, call: Call<'_, R>) -> multicore::Result<R> {
    pool.spawn(call).and_then(Handle::get)
}

/// Every third call of a pool with one worker is its last, and its exit hook runs.
pub fn a_worker_is_replaced_after_so_many_calls() {
    let folder = Folder::new();
    let hooks = folder.file("hooks");
    let pool = one().max_calls(3).env("MULTICORE_TEST_EXIT_HOOK", &hooks).build().unwrap();
    let pids: Vec<i32> = (0..30).map(|_| outcome(&pool, tasks::whoami::call()).unwrap()).collect();
    for three in pids.chunks(3) {
        assert!(three.iter().all(|pid| *pid == three[0]), "{pids:?}");
    }
    let mut different = pids.clone();
    different.dedup();
    assert_eq!(different.len(), 10, "{pids:?}");
    drop(pool);
    // An eleventh, that had nothing to do, may have begun.
    let ends = std::fs::read_to_string(&hooks).unwrap().lines().count();
    assert!((10..=11).contains(&ends), "{ends}");
}

/// Calls that are queued meanwhile run, each once.
pub fn recycling_under_load_loses_nothing() {
    let rig = Rig::with(builder().workers(2).slots(16).max_calls(2));
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let pool = &rig.pool;
            scope.spawn(move || {
                let handles: Vec<_> =
                    (0..100).map(|n| pool.spawn(tasks::square::call(thread * 100 + n)).unwrap()).collect();
                for (n, handle) in (thread * 100..).zip(handles) {
                    assert_eq!(handle.get().unwrap(), n * n);
                }
            });
        }
    });
    drop(rig.pool);
}

/// Keeps so many bytes for good.
#[multicore::task]
fn leak(bytes: usize) -> i32 {
    Box::leak(vec![1u8; bytes].into_boxed_slice());
    std::process::id() as i32
}

/// What it leaked is over with it.
pub fn a_worker_that_grew_is_replaced() {
    let pool = one().max_memory(300 << 20).build().unwrap();
    let pid = |bytes| outcome(&pool, leak::call(bytes)).unwrap();
    let first = pid(1 << 20);
    assert_eq!((pid(1 << 20), pid(1 << 20)), (first, first));
    assert_eq!(pid(400 << 20), first, "it ends its call");
    let second = pid(1 << 20);
    assert_ne!(second, first);
    assert_eq!(pid(1 << 20), second);
}

/// Asks for memory, and dies where there is none; without the runtime's word about it.
#[multicore::task]
fn allocate(bytes: usize) -> usize {
    let nothing = std::fs::OpenOptions::new().write(true).open("/dev/null").unwrap();
    nix::unistd::dup2_stderr(nothing).unwrap();
    vec![1u8; bytes].iter().filter(|byte| **byte == 1).count()
}

/// An allocation that fails aborts.
pub fn memory_beyond_the_data_limit_ends_the_call_alone() {
    let pool = one().data_limit(1 << 30).build().unwrap();
    assert_eq!(outcome(&pool, allocate::call(1 << 20)).unwrap(), 1 << 20);
    let error = outcome(&pool, allocate::call(2 << 30)).unwrap_err();
    let aborted = Exit::Signal(Signal(libc::SIGABRT));
    assert!(matches!(&error, Error::Died { exit, started: true, .. } if *exit == aborted), "{error:?}");
    assert_eq!(outcome(&pool, allocate::call(1 << 20)).unwrap(), 1 << 20);
}

/// Never returns.
#[multicore::task]
fn spin() {
    loop {
        std::hint::spin_loop();
    }
}

/// Which the kernel sees to.
pub fn time_beyond_the_cpu_limit_ends_the_call_alone() {
    let pool = one().cpu_limit(Duration::from_millis(10)).build().unwrap();
    let error = outcome(&pool, spin::call()).unwrap_err();
    let Error::Died { exit, usage, .. } = &error else { panic!("{error:?}") };
    assert_eq!(*exit, Exit::Signal(Signal(libc::SIGXCPU)), "{error}");
    assert!(usage.cpu > Duration::ZERO && usage.peak_memory > 0);
    assert_eq!(outcome(&pool, tasks::square::call(3)).unwrap(), 9);
}

/// Opens so many files at once; how many it got.
#[multicore::task]
fn open_files(count: usize) -> Result<usize, i32> {
    let open = |_| std::fs::File::open("/dev/null");
    let files: Result<Vec<_>, _> = (0..count).map(open).collect();
    files.map(|files| files.len()).map_err(|error| error.raw_os_error().unwrap_or(0))
}

/// The task is told.
pub fn files_beyond_the_limit_are_refused_to_the_task() {
    let pool = one().file_limit(40).build().unwrap();
    assert_eq!(outcome(&pool, open_files::call(10)).unwrap(), Ok(10));
    assert_eq!(outcome(&pool, open_files::call(100)).unwrap(), Err(libc::EMFILE));
    assert_eq!(outcome(&pool, open_files::call(10)).unwrap(), Ok(10));
}

/// What a worker is given: its niceness, its cores, and one variable.
#[multicore::task]
fn surroundings(variable: &str) -> (i64, usize, Option<String>) {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let (_, fields) = stat.rsplit_once(") ").unwrap();
    let niceness = fields.split(' ').nth(16).unwrap().parse().unwrap();
    let cores = std::thread::available_parallelism().map_or(0, |count| count.get());
    (niceness, cores, std::env::var(variable).ok())
}

/// And what it is not: threads for every core.
pub fn workers_have_the_surroundings_that_the_pool_names() {
    let pool = builder().cpus([0]).niceness(7).env("COLOUR", "red").env("COLOUR", "blue").build().unwrap();
    assert_eq!(pool.workers(), 1, "as many as there are cores");
    assert_eq!(outcome(&pool, surroundings::call("COLOUR")).unwrap(), (7, 1, Some("blue".to_owned())));
    for variable in ["OMP_NUM_THREADS", "RAYON_NUM_THREADS"] {
        let one = Some("1".to_owned());
        assert_eq!(outcome(&pool, surroundings::call(variable)).unwrap().2, one, "{variable}");
    }
    let own = one().env("OMP_NUM_THREADS", "2").build().unwrap();
    let (niceness, _, threads) = outcome(&own, surroundings::call("OMP_NUM_THREADS")).unwrap();
    assert_eq!((niceness, threads), (0, Some("2".to_owned())));
}

/// Unless the call, or its task, has one of its own.
pub fn a_pools_timeout_holds_for_calls_without_one() {
    let pool = one().timeout(SOON).build().unwrap();
    let error = outcome(&pool, tasks::nap::call(600_000)).unwrap_err();
    assert!(matches!(error, Error::TimedOut { limit: SOON, .. }), "{error:?}");
    assert_eq!(outcome(&pool, tasks::nap::call(300).timeout(LONG)).unwrap(), 300);
    let own = outcome(&pool, tasks::nap::call(600_000).timeout(Duration::from_millis(50))).unwrap_err();
    assert!(matches!(own, Error::TimedOut { limit, .. } if limit == Duration::from_millis(50)), "{own:?}");
}

/// Whatever the load guard says.
pub fn a_limited_pool_runs_nothing_in_the_client() {
    for limited in [one().timeout(LONG), one().max_calls(1000), one().file_limit(50)] {
        let pool = limited.build().unwrap();
        let inline = multicore::par_ranges!(0..4, tasks::ran_in, pool = &pool, inline = true);
        assert!(matches!(inline, Err(Error::Refused { .. })), "{inline:?}");
        let here = std::process::id() as i32;
        let ran = multicore::par_ranges!(0..4, tasks::ran_in, pool = &pool).unwrap();
        assert!(ran.iter().all(|pid| *pid != here));
    }
}

/// Works until it is asked to end, says so in a file, and cleans up.
#[multicore::task]
fn polite(begun: &str, ended: &str) -> u64 {
    // Who has not asked before it is to end is told by a signal.
    let _asked = multicore::cancelled();
    tasks::note(begun, 1);
    while !multicore::cancelled() {
        std::thread::sleep(Duration::from_millis(1));
    }
    let in_a_thread = std::thread::spawn(multicore::cancelled).join().unwrap();
    tasks::note(ended, u64::from(in_a_thread));
    7
}

/// With a grace so long that no signal comes into it.
pub fn a_call_that_asks_ends_by_itself_when_its_time_is_up() {
    let folder = Folder::new();
    let (begun, ended, hooks) = (folder.file("begun"), folder.file("ended"), folder.file("hooks"));
    let config = one().grace(LONG).env("MULTICORE_TEST_EXIT_HOOK", &hooks);
    let rig = Rig::with(config);
    let worker = rig.workers().remove(0);
    let error = outcome(&rig.pool, polite::call(&begun, &ended).timeout(SOON)).unwrap_err();
    assert!(matches!(error, Error::TimedOut { limit: SOON, .. }), "{error:?}");
    assert_eq!(std::fs::read_to_string(&ended).unwrap(), "1\n", "its threads are told as well");
    assert!(!worker.lives(), "it is replaced");
    assert_eq!(std::fs::read_to_string(&hooks).unwrap(), "1\n", "after its exit hooks");
    let error = outcome(&rig.pool, polite::call(&begun, &ended).timeout(SOON).retries(2)).unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
    assert_eq!(std::fs::read_to_string(&begun).unwrap().lines().count(), 4, "once, and three times");
    assert!(!multicore::cancelled(), "outside of a worker");
    rig.end();
}

/// In the same way.
pub fn a_call_that_asks_ends_by_itself_when_it_is_cancelled() {
    let rig = Rig::with(one().grace(LONG));
    let folder = Folder::new();
    for round in 0..20 {
        let (begun, ended) = (folder.file(&format!("b{round}")), folder.file(&format!("e{round}")));
        let handle = rig.pool.spawn(polite::call(&begun, &ended)).unwrap();
        eventually("it begins", || Path::new(&begun).exists());
        handle.cancel();
        let error = handle.get().unwrap_err();
        assert!(matches!(error, Error::Cancelled { .. }), "{error:?}");
        assert!(Path::new(&ended).exists());
    }
    rig.end();
}

/// Asks, and does not listen.
#[multicore::task]
fn deaf(path: &str) -> bool {
    tasks::announce(path, 0);
    loop {
        std::hint::black_box(multicore::cancelled());
    }
}

/// SIGTERM comes after half of the grace.
pub fn a_call_that_asks_and_goes_on_is_ended() {
    let rig = Rig::with(one().grace(SOON));
    let folder = Folder::new();
    let handle = rig.pool.spawn(deaf::call(&folder.file("deaf")).timeout(SOON)).unwrap();
    let process = folder.process("deaf");
    let error = handle.get().unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
    assert!(!process.lives());
    rig.end();
}

/// Leaves crumbs until it comes to its end.
#[multicore::task]
fn convert(pages: u32, end: &str) -> u32 {
    for page in 1..=pages {
        multicore::breadcrumb(format_args!("page {page} of {pages}"));
    }
    match end {
        "dies" => std::process::abort(),
        "hangs" => std::thread::sleep(LONG),
        "faults" => drop(wild::bad_store()),
        _ => {}
    }
    pages
}

/// The last one of its own call, and of no other.
pub fn the_last_breadcrumb_is_in_the_error() {
    with_pool(|rig| {
        let crumb = |error: Error| match error {
            Error::Died { breadcrumb, .. } | Error::TimedOut { breadcrumb, .. } => breadcrumb,
            other => panic!("{other:?}"),
        };
        let failed = |call: Call<'_, u32>| outcome(&rig.pool, call).unwrap_err();
        let last = Some("page 12 of 12".to_owned());
        assert_eq!(outcome(&rig.pool, convert::call(3, "")).unwrap(), 3);
        assert_eq!(crumb(failed(convert::call(12, "dies"))), last);
        assert_eq!(crumb(failed(convert::call(12, "faults"))), last);
        let error = failed(convert::call(12, "hangs").timeout(SOON));
        assert!(error.to_string().ends_with("(last seen at: page 12 of 12)"), "{error}");
        assert_eq!(crumb(error), last);
        assert_eq!(crumb(failed(convert::call(0, "dies"))), None);
        multicore::breadcrumb("nobody is told in the client");
    });
    // One worker, so that the next call is in the same process.
    let rig = Rig::new(1);
    assert_eq!(outcome(&rig.pool, convert::call(3, "")).unwrap(), 3);
    let error = outcome(&rig.pool, convert::call(0, "dies")).unwrap_err();
    assert!(matches!(error, Error::Died { breadcrumb: None, .. }), "{error:?}");
    rig.end();
}

/// Says something long, and dies.
#[multicore::task]
fn long_crumb(len: usize) {
    multicore::breadcrumb("ä".repeat(len));
    std::process::abort();
}

/// At a character.
pub fn a_long_breadcrumb_is_cut() {
    with_pool(|rig| {
        let error = outcome(&rig.pool, long_crumb::call(1000)).unwrap_err();
        let Error::Died { breadcrumb: Some(text), .. } = error else { panic!("{error:?}") };
        assert_eq!(text, "ä".repeat(128));
    });
}

/// Process, task and breadcrumb of each worker.
pub fn the_state_of_a_pool_says_what_each_worker_does() {
    let rig = Rig::new(2);
    let mut pids: Vec<_> = rig.workers().iter().map(|worker| worker.pid).collect();
    pids.sort_unstable();
    let handle = rig.pool.spawn(convert::call(5, "hangs")).unwrap();
    let busy = rig.pool.spawn(tasks::nap::call(600_000)).unwrap();
    let name = "multicore_tests::scenes::limits::convert";
    eventually("it is seen at its last page", || {
        let state = rig.pool.state();
        state.workers.iter().any(|worker| worker.breadcrumb.as_deref() == Some("page 5 of 5"))
            && state.workers.iter().all(|worker| worker.task.is_some())
    });
    // Nobody is left to run it.
    let queued = rig.pool.spawn(tasks::square::call(1)).unwrap();
    let state = rig.pool.state();
    let worker = state.workers.iter().find(|worker| worker.task == Some(name)).expect(name);
    assert_eq!(worker.breadcrumb.as_deref(), Some("page 5 of 5"));
    assert_eq!(state.queued, 1);
    let mut seen: Vec<_> = state.workers.iter().filter_map(|worker| worker.pid).collect();
    seen.sort_unstable();
    assert_eq!(seen, pids);
    handle.cancel();
    busy.cancel();
    assert!(handle.get().is_err() && busy.get().is_err());
    assert_eq!(queued.get().unwrap(), 1);
    eventually("nobody does anything", || {
        rig.pool.state().workers.iter().all(|worker| worker.task.is_none() && worker.breadcrumb.is_none())
    });
    rig.end();
}

/// A handle that was taken out of it lets the call go on.
pub fn a_call_ends_with_its_abort_on_drop() {
    with_pool(|rig| {
        let folder = Folder::new();
        let spawn = |name| {
            let handle = rig.pool.spawn(tasks::announce::call(&folder.file(name), 600_000)).unwrap();
            (AbortOnDrop::new(handle), folder.process(name))
        };
        let (handle, worker) = spawn("dropped");
        assert!(!handle.is_finished());
        drop(handle);
        eventually("its worker is ended", || !worker.lives());
        let (handle, worker) = spawn("kept");
        let handle = handle.get_timeout(Duration::from_millis(1)).unwrap_err();
        handle.cancel();
        assert!(matches!(handle.get(), Err(Error::Cancelled { .. })));
        assert!(!worker.lives());
        let path = folder.file("detached");
        let handle = AbortOnDrop::new(rig.pool.spawn(tasks::note::call(&path, 1)).unwrap());
        drop(handle.into_handle());
        eventually("it runs all the same", || Path::new(&path).exists());
        assert_eq!(AbortOnDrop::new(rig.pool.spawn(tasks::square::call(3)).unwrap()).get().unwrap(), 9);
    });
}

/// Panics while it panics; without the runtime's word about it.
#[multicore::task]
fn panic_twice() -> u64 {
    struct Second;
    impl Drop for Second {
        fn drop(&mut self) {
            panic!("the second");
        }
    }
    let nothing = std::fs::OpenOptions::new().write(true).open("/dev/null").unwrap();
    nix::unistd::dup2_stderr(nothing).unwrap();
    let _second = Second;
    panic!("the first");
}

/// With what the panic said.
pub fn a_panic_in_a_panic_is_told_as_an_abort() {
    with_pool(|rig| {
        let error = outcome(&rig.pool, panic_twice::call()).unwrap_err();
        let Error::Died { exit, started: true, message: Some(message), .. } = error else {
            panic!("{error:?}")
        };
        assert_eq!(exit, Exit::Signal(Signal(libc::SIGABRT)));
        assert!(message.starts_with("the first at ") && message.contains("the second at "), "{message}");
    });
}

/// A worker that was asked to leave while its seat is wanted does not come back as another's.
pub fn a_worker_over_its_time_is_replaced_by_one_that_works() {
    let rig = Rig::new(2);
    let before: Vec<Stat> = rig.workers();
    for _ in 0..10 {
        let error =
            outcome(&rig.pool, tasks::nap::call(600_000).timeout(Duration::from_millis(1))).unwrap_err();
        assert!(matches!(error, Error::TimedOut { .. }), "{error:?}");
    }
    assert!(before.iter().any(|worker| !worker.lives()));
    rig.end();
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! limit_scenes {
    ($($then:tt)*) => {
        $($then)*! { limits:
            a_worker_is_replaced_after_so_many_calls
            recycling_under_load_loses_nothing
            a_worker_that_grew_is_replaced
            memory_beyond_the_data_limit_ends_the_call_alone
            time_beyond_the_cpu_limit_ends_the_call_alone
            files_beyond_the_limit_are_refused_to_the_task
            workers_have_the_surroundings_that_the_pool_names
            a_pools_timeout_holds_for_calls_without_one
            a_limited_pool_runs_nothing_in_the_client
            a_call_that_asks_ends_by_itself_when_its_time_is_up
            a_call_that_asks_ends_by_itself_when_it_is_cancelled
            a_call_that_asks_and_goes_on_is_ended
            the_last_breadcrumb_is_in_the_error
            a_long_breadcrumb_is_cut
            the_state_of_a_pool_says_what_each_worker_does
            a_call_ends_with_its_abort_on_drop
            a_panic_in_a_panic_is_told_as_an_abort
            a_worker_over_its_time_is_replaced_by_one_that_works
        }
    };
}
