//! Functions with threads of their own.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};
use std::thread;

use multicore_tests::fixture::Fixture;
use multicore_tests::watch::{LONG, within};

#[multicore::threaded]
fn name_of_a_function_that_is_long(number: u32) -> (Option<String>, String, u32) {
    let seen = std::fs::read_to_string("/proc/thread-self/comm").expect("a name");
    (thread::current().name().map(str::to_owned), seen.trim_end().to_owned(), number)
}

#[multicore::threaded(name = "mail")]
fn named() -> Option<String> {
    thread::current().name().map(str::to_owned)
}

#[multicore::threaded]
fn waits(go_on: mpsc::Receiver<u32>) -> u32 {
    go_on.recv().expect("a number")
}

/// Without a word on standard error.
#[multicore::threaded]
fn fails(payload: &'static str) {
    std::panic::resume_unwind(Box::new(payload))
}

static CLOSED: AtomicU32 = AtomicU32::new(0);

struct Connection;

impl Drop for Connection {
    fn drop(&mut self) {
        CLOSED.fetch_add(1, Ordering::SeqCst);
    }
}

thread_local! {
    static CONNECTION: RefCell<Option<Connection>> = const { RefCell::new(None) };
}

#[multicore::threaded]
fn connects(shared: Arc<AtomicU32>) {
    CONNECTION.set(Some(Connection));
    shared.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn a_thread_bears_the_functions_name_or_its_own() {
    within(LONG, || {
        let long = "name_of_a_function_that_is_long";
        let (name, seen, number) = name_of_a_function_that_is_long(7).unwrap().join().unwrap();
        assert_eq!((name.as_deref(), seen.as_str(), number), (Some(long), &long[..15], 7));
        assert_eq!(named().unwrap().join().unwrap().as_deref(), Some("mail"));
    });
}

#[test]
fn the_caller_goes_on_at_once() {
    within(LONG, || {
        let (go_on, waiting) = mpsc::channel();
        let handle = waits(waiting).unwrap();
        assert!(!handle.is_finished());
        go_on.send(5).unwrap();
        assert_eq!(handle.join().unwrap(), 5);
    });
}

#[test]
fn join_gives_a_panic() {
    within(LONG, || {
        let payload = fails("no paper").unwrap().join().unwrap_err();
        assert_eq!(payload.downcast_ref::<&str>(), Some(&"no paper"));
    });
}

#[test]
fn what_a_thread_keeps_for_itself_is_closed_with_it() {
    within(LONG, || {
        let shared = Arc::new(AtomicU32::new(0));
        connects(shared.clone()).unwrap().join().unwrap();
        connects(shared.clone()).unwrap().join().unwrap();
        assert_eq!((shared.load(Ordering::SeqCst), CLOSED.load(Ordering::SeqCst)), (2, 2));
        assert_eq!(Arc::strong_count(&shared), 1);
    });
}

#[test]
fn no_thread_to_be_had_is_an_error() {
    if multicore_tests::wild::user() != 0 {
        eprintln!("needs root: a limit on processes counts all of a user's threads");
        return;
    }
    let client = env!("CARGO_BIN_EXE_client");
    let told = within(LONG, || Fixture::new(client, &["exec", "forks-limited", "threads"]).run().output());
    assert!(told.contains("pthread_create failed") && told.contains("ulimit -u"), "{told}");
}
