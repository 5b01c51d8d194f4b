//! Faults: each is told as what it is, costs its own call alone, and leaves the pool as it was.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use multicore::{Call, Error, Exit, Handle, Signal};
use nix::sys::signal::{self, Signal as Kill};
use nix::unistd::Pid;

use crate::procfs::Stat;
use crate::rig::{Rig, builder, with_pool};
use crate::{tasks, wild};

pub(super) const SOON: Duration = Duration::from_millis(200);

pub(super) fn kill(process: &Stat, signal: Kill) {
    signal::kill(Pid::from_raw(process.pid), signal).expect("a process of ours");
}

/// What becomes of a call.
#[track_caller]
pub(super) fn outcome<R: 'static>(rig: &Rig, call: Call<'_, R>) -> multicore::Result<R> {
    rig.pool.spawn(call).and_then(Handle::get)
}

/// Checks that the call's worker dies so, and that the pool has recovered.
#[track_caller]
fn dies<R: std::fmt::Debug + 'static>(rig: &Rig, call: Call<'_, R>, expected: Exit, text: &str) {
    let name = call.name();
    let before = rig.workers();
    let error = outcome(rig, call).unwrap_err();
    let told = error.to_string();
    let Error::Died { task, pid, exit, started, .. } = error else { panic!("{error:?}") };
    assert_eq!((task.as_str(), exit, started), (name, expected, true));
    let worker = before.iter().find(|worker| worker.pid == pid).expect("the pid is a worker's");
    assert!(!worker.lives());
    assert!(told.contains(text) && told.contains(name) && told.contains(&pid.to_string()), "{told}");
    rig.check();
}

#[track_caller]
fn panics<R: std::fmt::Debug + 'static>(rig: &Rig, call: Call<'_, R>, expected: &str) -> Option<String> {
    let name = call.name();
    let before = rig.workers();
    let error = outcome(rig, call).unwrap_err();
    let told = error.to_string();
    let Error::Panicked { task, message, location, .. } = error else { panic!("{error:?}") };
    assert_eq!((task.as_str(), message.as_str()), (name, expected));
    assert!(told.contains(name) && told.contains(expected), "{told}");
    assert_eq!(pids(&rig.workers()), pids(&before), "the worker lives on");
    rig.check();
    location
}

fn pids(processes: &[Stat]) -> Vec<i32> {
    let mut pids: Vec<_> = processes.iter().map(|process| process.pid).collect();
    pids.sort_unstable();
    pids
}

/// A literal and a `String`.
pub fn a_panic_is_reported_with_message_and_place() {
    with_pool(|rig| {
        let place = panics(rig, tasks::panic_literal::call(), "a literal").expect("a place");
        assert!(place.contains("tasks/faulty.rs:"), "{place}");
        panics(rig, tasks::panic_text::call("text"), "made of text");
    });
}

/// `panic_any`.
pub fn a_panic_with_another_payload_is_reported() {
    with_pool(|rig| {
        panics(rig, tasks::panic_number::call(), "a panic whose payload is no text");
    });
}

/// After the function's own work.
pub fn a_panic_while_dropping_an_argument_is_reported() {
    with_pool(|rig| {
        let argument = tasks::PanicsInDrop { home: std::process::id() };
        panics(rig, tasks::drops::call(argument), "dropped away from home");
    });
}

/// What it makes of it is its result.
pub fn a_panic_in_a_thread_of_the_task_is_the_tasks_own() {
    with_pool(|rig| {
        assert_eq!(outcome(rig, tasks::panic_in_thread::call()).unwrap(), "below");
        rig.check();
    });
}

/// On each of the four ways.
pub fn what_cannot_be_encoded_or_decoded_is_an_error() {
    with_pool(|rig| {
        let check = |error: Error, expected: (bool, &str, &str)| {
            let found = match &error {
                Error::Encode { what, why, .. } => (true, *what, why.contains("no way out")),
                Error::Decode { what, why, .. } => (false, *what, why.contains("no way in")),
                other => panic!("{other:?}"),
            };
            assert_eq!(found, (expected.0, expected.1, true), "{error}");
            assert!(error.to_string().contains(expected.2), "{error}");
            rig.check();
        };
        let sent = rig.pool.spawn(tasks::take_fails_ser::call(tasks::FailsInSerialize(1)));
        check(sent.unwrap_err(), (true, "the arguments", "take_fails_ser"));
        let made = outcome(rig, tasks::make_fails_ser::call(1));
        check(made.unwrap_err(), (true, "the result", "make_fails_ser"));
        let taken = outcome(rig, tasks::take_fails_de::call(tasks::FailsInDeserialize(1)));
        check(taken.unwrap_err(), (false, "the arguments", "take_fails_de"));
        let back = outcome(rig, tasks::make_fails_de::call(1));
        check(back.unwrap_err(), (false, "the result", "make_fails_de"));
    });
}

/// Values within the depth that is allowed travel; deeper ones cost neither side its stack.
pub fn a_value_nested_too_deeply_is_an_error() {
    with_pool(|rig| {
        assert_eq!(outcome(rig, tasks::nest::call(50)).unwrap().depth(), 50);
        let error = outcome(rig, tasks::nest::call(500)).unwrap_err();
        assert!(matches!(error, Error::Decode { what: "the result", .. }), "{error:?}");
        let sent = outcome(rig, tasks::depth::call(tasks::Nested::of(500)));
        assert!(matches!(sent, Err(Error::Decode { what: "the arguments", .. })), "{sent:?}");
        rig.check();
    });
}

/// In the client a panic of the user's `Serialize` goes on; everywhere else it is an error.
pub fn a_panic_while_encoding_or_decoding_is_an_error() {
    let rig = Rig::with(builder().workers(2).slots(4));
    for _ in 0..5 {
        // More often than there are slots: each is given back.
        let sent = catch_unwind(AssertUnwindSafe(|| {
            drop(rig.pool.spawn(tasks::take_panics_ser::call(tasks::PanicsInSerialize(1))));
        }));
        assert_eq!(*sent.unwrap_err().downcast_ref::<&str>().unwrap(), "on the way out");
        let error = outcome(&rig, tasks::make_panics_de::call(1)).unwrap_err();
        let Error::Decode { what: "the result", why, .. } = &error else { panic!("{error:?}") };
        assert!(why.contains("on the way in"), "{why}");
    }
    panics(&rig, tasks::make_panics_ser::call(1), "on the way out");
    panics(&rig, tasks::take_panics_de::call(tasks::PanicsInDeserialize(1)), "on the way in");
    rig.end();
}

/// Any, 0 included.
pub fn an_exit_is_told_with_its_code() {
    with_pool(|rig| {
        dies(rig, tasks::leave::call(3), Exit::Code(3), "code 3");
        dies(rig, tasks::leave::call(0), Exit::Code(0), "code 0");
    });
}

/// SIGABRT.
pub fn an_abort_is_told_with_its_signal() {
    with_pool(|rig| dies(rig, tasks::abort::call(), Exit::Signal(Signal(libc::SIGABRT)), "SIGABRT"));
}

/// A real one.
pub fn a_bad_store_is_told_as_sigsegv() {
    with_pool(|rig| dies(rig, wild::bad_store::call(), Exit::Signal(Signal(libc::SIGSEGV)), "SIGSEGV"));
}

/// And not as SIGSEGV.
pub fn a_stack_overflow_is_told_as_such() {
    with_pool(|rig| dies(rig, tasks::overflow::call(), Exit::StackOverflow, "stack"));
}

/// `Display` names it.
pub fn every_deadly_signal_is_named() {
    with_pool(|rig| {
        for signal in [Kill::SIGKILL, Kill::SIGTERM, Kill::SIGBUS, Kill::SIGFPE, Kill::SIGILL, Kill::SIGXCPU]
        {
            let exit = Exit::Signal(Signal(signal as i32));
            dies(rig, tasks::raise::call(signal as i32), exit, signal.as_str());
        }
    });
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! fault_scenes {
    ($($then:tt)*) => {
        $($then)*! { faults:
            a_panic_is_reported_with_message_and_place
            a_panic_with_another_payload_is_reported
            a_panic_while_dropping_an_argument_is_reported
            a_panic_in_a_thread_of_the_task_is_the_tasks_own
            what_cannot_be_encoded_or_decoded_is_an_error
            a_panic_while_encoding_or_decoding_is_an_error
            a_value_nested_too_deeply_is_an_error
            an_exit_is_told_with_its_code
            an_abort_is_told_with_its_signal
            a_bad_store_is_told_as_sigsegv
            a_stack_overflow_is_told_as_such
            every_deadly_signal_is_named
        }
    };
}
