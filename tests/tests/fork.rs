//! Children that are forked with all memory as it is: what they see, how they end, and what is left.

use multicore_tests::fixture::{Ended, Fixture, Folder, METHODS, play_with_one_thread};
use multicore_tests::watch::{LONG, within};
use nix::sys::signal::Signal;

const CLIENT: &str = env!("CARGO_BIN_EXE_client");

/// A test of every scene, each in a process of its own with one thread.
macro_rules! with_one_thread {
    ($module:ident: $($scene:ident)*) => {
        mod $module {
            $(#[test]
            fn $scene() {
                super::play_with_one_thread(super::CLIENT, concat!(stringify!($module), "::", stringify!($scene)));
            })*
        }
    };
}

multicore_tests::forked_scenes!(with_one_thread);
multicore_tests::forks_end_scenes!(with_one_thread);

fn plays(method: &str, part: &[&str]) -> Ended {
    within(LONG, || Fixture::new(CLIENT, &[&[method], part].concat()).run())
}

#[test]
fn nobody_survives_the_kill_of_the_parent() {
    for method in METHODS {
        within(LONG, || {
            let folder = Folder::new();
            let path = folder.path().to_string_lossy().into_owned();
            let mut parent = Fixture::new(CLIENT, &[method, "forks-hold", &path]).start();
            assert_eq!(parent.line(), "ready");
            let child = folder.process("child");
            assert_eq!(child.parent, parent.pid());
            parent.signal(Signal::SIGKILL);
            // Waits until the whole family is gone.
            assert_eq!(parent.wait().signal(), Some(libc::SIGKILL));
            assert!(!child.lives());
        });
    }
}

#[test]
fn an_interrupt_from_the_terminal_reaches_the_parent_alone() {
    within(LONG, || {
        let folder = Folder::new();
        let path = folder.path().to_string_lossy().into_owned();
        let mut parent = Fixture::new(CLIENT, &["exec", "forks-hold", &path]).start();
        assert_eq!(parent.line(), "ready");
        folder.process("child");
        parent.signal_group(Signal::SIGINT);
        let ended = parent.wait();
        assert_eq!((ended.signal(), ended.stderr.as_str()), (Some(libc::SIGINT), ""));
    });
}

#[test]
fn a_parent_that_ends_takes_its_children_and_theirs_along() {
    for method in METHODS {
        // Comes back only when nobody holds the output open, and checks that nobody is left.
        assert_eq!(plays(method, &["forks-leave", "return"]).output(), "left\n");
        let ended = plays(method, &["forks-leave", "exit"]);
        assert_eq!(
            (ended.status.code(), ended.stdout.as_str(), ended.stderr.as_str()),
            (Some(3), "left\n", "")
        );
    }
}

#[test]
fn output_is_printed_once() {
    for method in METHODS {
        let told = plays(method, &["forks-print"]).output();
        assert_eq!(told, "before c before\nc child\nchild last dies\nc dies\nafter", "{method}");
    }
}

#[test]
fn no_process_to_be_had_is_an_error() {
    if multicore_tests::wild::user() != 0 {
        eprintln!("needs root: a limit on processes counts all of a user's");
        return;
    }
    let told = plays("exec", &["forks-limited", "processes"]).output();
    assert!(told.contains("fork failed") && told.contains("ulimit -u"), "{told}");
}

#[test]
fn no_descriptor_to_be_had_is_an_error_before_the_child_runs() {
    let told = plays("exec", &["forks-limited", "descriptors"]).output();
    assert!(told.lines().all(|line| line == "forked" || line.contains("ulimit -n")), "{told}");
    let with = |text| told.lines().position(|line| line.contains(text));
    let order = [with("memfd_create failed"), with("pidfd_open failed"), with("forked")];
    assert!(order.is_sorted() && order[0].is_some(), "{told}");
    assert!(told.ends_with("forked\nforked\nforked\n"), "{told}");
}

#[test]
fn a_deadline_that_cannot_be_kept_is_an_error() {
    let told = plays("exec", &["forks-limited", "timers"]).output();
    assert!(told.contains("timer_create failed") && told.contains("ulimit -i"), "{told}");
}

#[test]
fn whatever_a_child_writes_the_parent_goes_on() {
    assert_eq!(plays("exec", &["forks-forge"]).output(), "settled\n5\n");
}

#[test]
fn where_the_address_space_is_limited_results_are() {
    assert_eq!(plays("exec", &["forks-limited", "space"]).output(), "1048576\n");
}
