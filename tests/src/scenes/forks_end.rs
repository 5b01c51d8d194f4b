//! How forked children end, whoever ends them and whoever looks; and that nothing is left of them.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use multicore::{Error, Exit, Fork, Forked, Signal as Number, breadcrumb, cancelled, fork};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::wait::waitpid;
use nix::unistd::{Pid, getpgid};

use super::forked::joined;
use crate::belongings::Belongings;
use crate::fixture::Folder;
use crate::procfs::{self, Stat};
use crate::rig::Rig;
use crate::watch::eventually;
use crate::{tasks, wild};

const FOREVER: u64 = 600_000;

fn pid_of<R>(forked: &Forked<R>) -> Pid {
    Pid::from_raw(forked.pid() as i32)
}

fn process_of<R>(forked: &Forked<R>) -> Stat {
    procfs::stat(forked.pid() as i32).expect("a child that lives")
}

/// How it died.
#[track_caller]
fn exit_of<R: std::fmt::Debug>(outcome: Result<R, Error>) -> Exit {
    match outcome {
        Err(Error::Died { exit, started: true, pid, .. }) if pid > 1 => exit,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn is_late<R: std::fmt::Debug>(outcome: Result<R, Error>) {
    assert!(matches!(outcome, Err(Error::TimedOut { .. })), "{outcome:?}");
}

fn late() -> Fork {
    Fork::new().timeout(Duration::from_millis(30)).grace(Duration::from_millis(30))
}

/// Starts a process in this one's group that SIGTERM does not end, and tells its number.
#[allow(clippy::zombie_processes, reason = "it ends with its group")]
fn stubborn_child(path: &str) {
    let script = format!("trap '' TERM; echo $$ > {path}.new && mv {path}.new {path}; exec sleep 600");
    Command::new("sh").args(["-c", &script]).spawn().expect("a shell");
}

fn stubborn(folder: &Folder) -> Stat {
    let path = folder.file("stubborn");
    eventually("the shell began", || std::path::Path::new(&path).exists());
    let pid = std::fs::read_to_string(&path).unwrap().trim().parse().unwrap();
    procfs::stat(pid).expect("the shell")
}

/// Each by its own name, with what it used; and a pool of the parent's does not notice.
pub fn every_death_of_a_child_is_told() {
    let rig = Rig::new(1);
    let signal = |signal: Signal| Exit::Signal(Number(signal as i32));
    assert_eq!(exit_of(joined(fork(wild::bad_store))), signal(Signal::SIGSEGV));
    assert_eq!(exit_of(joined(fork(tasks::abort))), signal(Signal::SIGABRT));
    assert_eq!(exit_of(joined(fork(tasks::overflow))), Exit::StackOverflow);
    assert_eq!(exit_of(joined(fork(|| tasks::leave(3)))), Exit::Code(3));
    assert_eq!(exit_of(joined(fork(|| tasks::leave(0)))), Exit::Code(0));
    let handle = fork(|| tasks::nap(FOREVER)).unwrap();
    kill(pid_of(&handle), Signal::SIGKILL).unwrap();
    // It may not have come to the closure.
    let outcome = handle.join();
    assert!(
        matches!(outcome, Err(Error::Died { exit, .. }) if exit == signal(Signal::SIGKILL)),
        "{outcome:?}"
    );
    let told = joined(Fork::new().name("crumbs").spawn(|| -> u8 {
        breadcrumb(format_args!("page {}", 7));
        std::process::abort()
    }));
    let Err(Error::Died { task, breadcrumb, usage, message: None, .. }) = told else { panic!("{told:?}") };
    assert_eq!((task.as_str(), breadcrumb.as_deref()), ("crumbs", Some("page 7")));
    assert!(usage.peak_memory > 0);
    rig.end();
}

/// What a handler of the parent's would do with a signal is none of the child's.
pub fn a_child_has_no_handlers_of_its_parents() {
    use std::io::Read;
    let mut caught = wild::catch(&[Signal::SIGTERM, Signal::SIGUSR2]);
    let handle = fork(|| tasks::nap(FOREVER)).unwrap();
    kill(pid_of(&handle), Signal::SIGTERM).unwrap();
    let outcome = handle.join();
    assert!(
        matches!(outcome, Err(Error::Died { exit: Exit::Signal(Number(libc::SIGTERM)), .. })),
        "{outcome:?}"
    );
    assert!(caught.read(&mut [0]).is_err(), "nothing came through the parent's pipe");
}

/// It leads a group and bears its name.
pub fn a_child_is_seen_by_its_name() {
    let folder = Folder::new();
    for (fork, name) in [(Fork::new(), "client: forked"), (Fork::new().name("märchen"), "client: märche")] {
        let path = folder.file("child");
        let handle = fork.spawn(|| tasks::announce(&path, FOREVER)).unwrap();
        let child = folder.process("child");
        assert_eq!((child.pid as u32, child.name.as_str()), (handle.pid(), name));
        assert_eq!(getpgid(Some(pid_of(&handle))), Ok(pid_of(&handle)));
        assert!(format!("{handle:?}").contains("finished: false") && !handle.is_finished());
        handle.kill();
        assert!(matches!(handle.join(), Err(Error::Cancelled { .. })));
    }
}

/// With all of its group; what it had finished before is its result.
pub fn a_killed_child_takes_its_group_along() {
    let folder = Folder::new();
    let path = folder.file("stubborn");
    let handle = fork(|| {
        stubborn_child(&path);
        tasks::nap(FOREVER)
    });
    let handle = handle.unwrap();
    let stubborn = stubborn(&folder);
    let waited = handle.join_timeout(Duration::from_millis(1));
    let Err(handle) = waited else { panic!("{waited:?}") };
    handle.kill();
    assert!(matches!(handle.join(), Err(Error::Cancelled { .. })));
    eventually("its group has ended", || !stubborn.lives());

    let done = fork(|| 5).unwrap();
    eventually("it has finished", || done.is_finished());
    done.kill();
    assert_eq!(done.join_timeout(Duration::ZERO).unwrap().unwrap(), 5);
}

/// What a finished child left in its group ends when it is joined.
pub fn a_joined_child_leaves_nobody() {
    let folder = Folder::new();
    let path = folder.file("stubborn");
    joined(fork(|| stubborn_child(&path))).unwrap();
    let path = folder.file("stubborn");
    // Killed before it wrote its number, or after.
    eventually("nobody is left", || {
        let pid = std::fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok());
        pid.and_then(procfs::stat).is_none_or(|stat| stat.is_zombie())
    });
}

/// Whatever the child does about SIGTERM.
pub fn a_child_over_its_time_is_ended() {
    is_late(joined(late().spawn(|| tasks::nap(FOREVER))));
    is_late(joined(late().spawn(|| {
        wild::ignore_sigterm();
        tasks::nap(FOREVER)
    })));
    is_late(joined(late().spawn(|| {
        SigSet::all().thread_block().unwrap();
        tasks::nap(FOREVER)
    })));
    // One that asks, and returns in its grace.
    let patient = Fork::new().timeout(Duration::from_millis(30)).grace(Duration::from_secs(60));
    is_late(joined(patient.spawn(|| {
        wild::ignore_sigterm();
        while !cancelled() {
            std::thread::yield_now();
        }
        7
    })));
    let in_time = Fork::new().timeout(Duration::from_secs(100));
    assert_eq!(joined(in_time.spawn(|| 8)).unwrap(), 8);
    assert_eq!(joined(Fork::new().timeout(Duration::MAX).spawn(|| 9)).unwrap(), 9);
}

/// And where the kernel cannot see to it: the child is stopped, or is another program by now.
pub fn a_deadline_holds_for_a_child_that_is_stopped_or_another_program() {
    let folder = Folder::new();
    let path = folder.file("child");
    let stopped = Fork::new().timeout(Duration::from_millis(200)).spawn(|| tasks::announce(&path, FOREVER));
    let stopped = stopped.unwrap();
    kill(pid_of(&stopped), Signal::SIGSTOP).unwrap();
    is_late(stopped.join());
    is_late(joined(late().spawn(|| Command::new("sleep").arg("600").exec().to_string())));
}

/// The kernel ends the child and its group though nobody looks at the handle; it is told when somebody does.
pub fn a_deadline_holds_when_nobody_joins() {
    let folder = Folder::new();
    let path = folder.file("stubborn");
    let handle =
        Fork::new().timeout(Duration::from_millis(300)).grace(Duration::from_millis(30)).spawn(|| {
            wild::ignore_sigterm();
            stubborn_child(&path);
            tasks::nap(FOREVER)
        });
    let handle = handle.unwrap();
    let (child, stubborn) = (process_of(&handle), stubborn(&folder));
    eventually("the child has ended", || !child.lives());
    eventually("its group has ended", || !stubborn.lives());
    is_late(handle.join());
    // Deaf to all but the last resort, and dropped.
    let deaf = late().spawn(|| {
        SigSet::all().thread_block().unwrap();
        tasks::nap(FOREVER)
    });
    let deaf = deaf.unwrap();
    let child = process_of(&deaf);
    drop(deaf);
    eventually("the deaf child has ended", || !child.lives());
}

/// A child that died of something else in time did not run too long, however late that is found.
pub fn an_early_death_that_is_found_late_is_no_timeout() {
    let timeout = Duration::from_millis(500);
    let begin = Instant::now();
    let handle = Fork::new().timeout(timeout).spawn(|| tasks::nap(FOREVER)).unwrap();
    let child = process_of(&handle);
    kill(pid_of(&handle), Signal::SIGKILL).unwrap();
    eventually("it is dead", || !child.lives());
    let in_time = begin.elapsed() < timeout;
    eventually("its time is up", || begin.elapsed() > 3 * timeout);
    assert!(handle.is_finished());
    let outcome = handle.join();
    let is_death = matches!(outcome, Err(Error::Died { exit: Exit::Signal(Number(libc::SIGKILL)), .. }));
    assert!(is_death || !in_time, "{outcome:?}");
}

/// A dropped handle's child runs on, and is collected afterwards.
pub fn a_child_whose_handle_is_dropped_runs_to_its_end() {
    let folder = Folder::new();
    let before = Belongings::now();
    for n in 0..5 {
        let path = folder.file("noted");
        drop(fork(|| tasks::note(&path, n)).unwrap());
    }
    let noted = || std::fs::read_to_string(folder.file("noted")).map_or(0, |text| text.lines().count());
    eventually("all have run", || noted() == 5);
    eventually("all are collected by later calls", || {
        joined(fork(|| ())).unwrap();
        Belongings::now() == before
    });
}

/// Processes, zombies, descriptors and mappings are what they were.
pub fn a_thousand_forks_leave_nothing() {
    joined(fork(|| ())).unwrap();
    let before = Belongings::now();
    let mut some = Vec::new();
    for n in 0..1000u64 {
        match n % 8 {
            0 => drop(fork(|| n).unwrap()),
            // Now and then: each takes a backtrace where the environment asks for one.
            1 if n % 80 == 1 => drop(joined(fork(|| -> u8 { panic!("{n}") })).unwrap_err()),
            2 => {
                let handle = fork(|| tasks::nap(FOREVER)).unwrap();
                handle.kill();
                drop(handle);
            }
            3 => assert_eq!(exit_of(joined(fork(|| tasks::leave(4)))), Exit::Code(4)),
            4 => some.push((n, fork(move || vec![n; 1000]).unwrap())),
            5 => assert_eq!(joined(late().timeout(Duration::from_secs(90)).spawn(|| n)).unwrap(), n),
            _ => assert_eq!(joined(fork(|| n)).unwrap(), n),
        }
        if some.len() == 20 {
            for (n, handle) in some.drain(..) {
                assert_eq!(handle.join().unwrap(), vec![n; 1000]);
            }
        }
    }
    drop(some);
    eventually("everything is as it was", || {
        joined(fork(|| ())).unwrap();
        Belongings::now() == before
    });
}

/// A result is there although somebody else collected the child; a death is known, and not its kind.
pub fn the_programs_own_wait_may_collect_a_child() {
    let result = fork(|| 6).unwrap();
    waitpid(pid_of(&result), None).expect("an ordinary child");
    assert_eq!(result.join().unwrap(), 6);
    let death = fork(|| tasks::leave(5)).unwrap();
    waitpid(pid_of(&death), None).expect("an ordinary child");
    assert_eq!(exit_of(death.join()), Exit::Unknown);
}

/// One that has a gibibyte in its hands.
pub fn a_large_parent_forks() {
    let large = vec![3u8; 1 << 30];
    for at in [0, 1 << 29, (1 << 30) - 1] {
        assert_eq!(joined(fork(|| large[at])).unwrap(), 3);
    }
    let own = fork(|| {
        let mut large = large;
        large[5] = 4;
        large.iter().step_by(4096).chain([&large[5]]).map(|byte| u64::from(*byte)).sum::<u64>()
    });
    assert_eq!(joined(own).unwrap(), (3 << 18) + 4);
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! forks_end_scenes {
    ($($then:tt)*) => {
        $($then)*! { forks_end:
            every_death_of_a_child_is_told
            a_child_has_no_handlers_of_its_parents
            a_child_is_seen_by_its_name
            a_killed_child_takes_its_group_along
            a_joined_child_leaves_nobody
            a_child_over_its_time_is_ended
            a_deadline_holds_for_a_child_that_is_stopped_or_another_program
            a_deadline_holds_when_nobody_joins
            an_early_death_that_is_found_late_is_no_timeout
            a_child_whose_handle_is_dropped_runs_to_its_end
            a_thousand_forks_leave_nothing
            the_programs_own_wait_may_collect_a_child
            a_large_parent_forks
        }
    };
}
