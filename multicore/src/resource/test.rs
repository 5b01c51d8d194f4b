//! The rules in one thread: what is made, checked, put in order and closed, and when.

mod trouble;

use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe};

use super::scope::around;
use super::{ResourceError, ResourceGuard, close_all};

thread_local! {
    /// What happened to the values of this thread, in order.
    static EVENTS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    /// Whether makers and checks are to fail.
    static DEAD: Cell<bool> = const { Cell::new(false) };
}

fn happens(event: &str) {
    // At its thread's end nobody asks.
    let _ = EVENTS.try_with(|events| events.borrow_mut().push(event.to_owned()));
}

fn events() -> Vec<String> {
    EVENTS.take()
}

/// A value that says when it is dropped.
#[derive(Debug)]
struct Value(&'static str);

impl Drop for Value {
    fn drop(&mut self) {
        happens(&format!("{} closed", self.0));
    }
}

fn made(name: &'static str) -> Value {
    happens(&format!("{name} made"));
    Value(name)
}

fn is_alive(value: &Value) -> bool {
    happens(&format!("{} checked", value.0));
    !DEAD.get()
}

#[multicore::resource]
fn plain() -> Value {
    made("plain")
}

#[multicore::resource(check = is_alive, reset = |value| { happens("reset"); !value.0.is_empty() })]
fn checked() -> Result<Value, String> {
    if DEAD.get() { Err("dead".to_owned()) } else { Ok(made("checked")) }
}

#[multicore::resource(max_age = "0s")]
fn short() -> Value {
    made("short")
}

#[multicore::resource(check_idle = "0s", check = is_alive)]
fn idle() -> Value {
    made("idle")
}

#[multicore::resource]
fn base() -> Value {
    made("base")
}

#[multicore::resource]
fn upper() -> Value {
    assert_eq!(base::get().0, "base");
    made("upper")
}

#[multicore::resource]
fn circle() -> Value {
    match circle::try_get() {
        Err(ResourceError::Cyclic { .. }) => made("circle"),
        other => panic!("{:?}", other.map(|_| ())),
    }
}

#[multicore::resource(client)]
fn of_client() -> Value {
    made("of_client")
}

/// As a worker runs a call.
fn call<T>(work: impl FnOnce() -> T) -> T {
    around(work, |_| false)
}

fn failing_call(work: impl FnOnce()) {
    around(work, |()| true);
}

fn panicking_call(work: impl FnOnce()) {
    let ended = panic::catch_unwind(AssertUnwindSafe(|| call(work)));
    assert!(ended.is_err());
}

#[track_caller]
fn check(expected: &[&str]) {
    assert_eq!(events(), expected);
}

#[test]
fn a_value_is_made_at_its_first_use_and_kept() {
    for _ in 0..3 {
        call(|| assert_eq!(plain::get().0, "plain"));
    }
    check(&["plain made"]);
    close_all();
    check(&["plain closed"]);
}

#[test]
fn a_value_ends_with_its_thread() {
    /// Says to another thread that it is dropped.
    struct Telling(std::sync::mpsc::Sender<()>);

    impl Drop for Telling {
        fn drop(&mut self) {
            self.0.send(()).expect("somebody listens");
        }
    }

    thread_local! {
        static SENDER: Cell<Option<std::sync::mpsc::Sender<()>>> = const { Cell::new(None) };
    }

    #[multicore::resource]
    fn telling() -> Telling {
        Telling(SENDER.take().expect("the thread has set it"))
    }

    let (sender, receiver) = std::sync::mpsc::channel();
    let (ends, ended) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        SENDER.set(Some(sender));
        call(|| drop(telling::get()));
        ended.recv().expect("the test says so");
    });
    assert_eq!(receiver.try_recv(), Err(std::sync::mpsc::TryRecvError::Empty));
    ends.send(()).expect("the thread listens");
    thread.join().expect("no panic");
    assert_eq!(receiver.recv(), Ok(()));
}

/// As a connection does that was made by a library with a runtime in each thread.
#[test]
#[cfg(all(processes, target_env = "gnu"))]
fn a_value_that_ends_with_its_thread_has_what_its_maker_left_there() {
    thread_local! {
        static RUNTIME: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
    }

    static FOUND: std::sync::OnceLock<Option<u64>> = std::sync::OnceLock::new();

    struct Needy;

    impl Drop for Needy {
        fn drop(&mut self) {
            let runtime = RUNTIME.try_with(|runtime| runtime.borrow()[0]);
            FOUND.set(runtime.ok()).expect("once");
        }
    }

    #[multicore::resource]
    fn needy() -> Needy {
        RUNTIME.with_borrow_mut(|runtime| runtime.push(7));
        Needy
    }

    std::thread::spawn(|| call(|| drop(needy::get()))).join().expect("no panic");
    assert_eq!(FOUND.get(), Some(&Some(7)));
}

#[test]
fn age_zero_is_closed_after_each_call_and_not_within_it() {
    call(|| {
        call(|| drop(short::get()));
        drop(short::get());
        happens("call over");
    });
    call(|| drop(short::get()));
    check(&["short made", "call over", "short closed", "short made", "short closed"]);
}

#[test]
fn a_failed_call_has_it_checked_once_before_the_next_use() {
    failing_call(|| drop(checked::get()));
    call(|| {
        drop(checked::get());
        drop(checked::get());
    });
    call(|| drop(checked::get()));
    check(&["checked made", "reset", "checked checked", "reset", "reset"]);
    close_all();
}

#[test]
fn a_value_that_fails_its_check_is_replaced() {
    failing_call(|| drop(checked::get()));
    DEAD.set(true);
    call(|| assert_eq!(checked::get().err(), Some("dead".to_owned())));
    DEAD.set(false);
    call(|| assert_eq!(checked::with(|value| value.0), Ok("checked")));
    check(&["checked made", "reset", "checked checked", "checked closed", "checked made", "reset"]);
    close_all();
}

#[test]
fn without_a_check_it_is_kept_after_an_error_and_replaced_after_a_panic() {
    failing_call(|| drop(plain::get()));
    call(|| drop(plain::get()));
    check(&["plain made"]);
    panicking_call(|| {
        let _guard = plain::get();
        panic!("in the middle");
    });
    check(&["plain closed"]);
    panicking_call(|| {
        drop(plain::get());
        panic!("after it was given back");
    });
    check(&["plain made", "plain closed"]);
}

#[test]
fn with_a_check_a_panic_has_it_put_in_order_and_checked() {
    panicking_call(|| {
        let _guard = checked::get();
        panic!("in the middle");
    });
    call(|| drop(checked::get()));
    check(&["checked made", "reset", "checked checked", "reset"]);
    close_all();
}

#[test]
fn an_inner_call_that_fails_makes_it_suspect_and_its_outer_call_goes_on() {
    call(|| {
        drop(checked::get());
        failing_call(|| drop(checked::get()));
        drop(checked::get());
    });
    check(&["checked made", "reset"]);
    call(|| drop(checked::get()));
    check(&["checked checked", "reset"]);
    close_all();
}

#[test]
fn idle_for_too_long_it_is_checked_once_a_call() {
    call(|| drop(idle::get()));
    call(|| {
        drop(idle::get());
        drop(idle::get());
    });
    check(&["idle made", "idle checked"]);
    DEAD.set(true);
    call(|| drop(idle::get()));
    DEAD.set(false);
    check(&["idle checked", "idle closed", "idle made"]);
    close_all();
}

#[test]
fn the_last_one_made_is_closed_first() {
    call(|| drop((plain::get(), upper::get(), idle::get())));
    events();
    close_all();
    check(&["idle closed", "upper closed", "base closed", "plain closed"]);
}

#[test]
fn what_was_made_with_another_one_ends_before_it() {
    call(|| drop(upper::get()));
    call(|| ResourceGuard::discard(base::get()));
    check(&["base made", "upper made", "upper closed", "base closed"]);
    call(|| {
        let _upper = upper::get();
        ResourceGuard::discard(base::get());
        happens("given back");
    });
    check(&["base made", "upper made", "base closed", "given back", "upper closed"]);
}

#[test]
fn who_needs_itself_is_told() {
    call(|| drop(circle::get()));
    check(&["circle made"]);
    close_all();
}

#[test]
fn two_guards_at_once_are_refused() {
    call(|| {
        let _guard = plain::get();
        let error = plain::try_get().expect_err("it is borrowed");
        assert!(matches!(error, ResourceError::Borrowed { .. }), "{error}");
    });
    close_all();
}

#[test]
fn a_guard_that_is_never_dropped_costs_its_value_and_nothing_else() {
    call(|| std::mem::forget(plain::get()));
    call(|| drop(plain::get()));
    check(&["plain made", "plain made"]);
    close_all();
}

#[test]
fn a_guard_that_outlives_its_call_closes_its_value_once_there_is_another() {
    let guard = call(plain::get);
    call(|| drop(plain::get()));
    check(&["plain made", "plain made"]);
    drop(guard);
    check(&["plain closed"]);
    close_all();
}

#[test]
fn outside_of_calls_it_is_refused_unless_the_client_may() {
    let error = plain::try_get().expect_err("no call is here");
    assert!(error.to_string().contains("`multicore::resource::test::plain` is for workers"), "{error}");
    drop(of_client::get());
    let guard = of_client::get();
    assert!(matches!(of_client::try_get(), Err(ResourceError::Borrowed { .. })));
    drop(guard);
    check(&["of_client made"]);
    close_all();
}

#[test]
fn each_use_outside_of_calls_is_a_call_of_its_own() {
    #[multicore::resource(client, max_age = "0s", reset = |_| { happens("reset"); true })]
    fn each_time() -> Value {
        made("each_time")
    }

    each_time::with(|value| assert_eq!(value.0, "each_time"));
    drop(each_time::get());
    check(&["each_time made", "each_time closed", "each_time made", "each_time closed"]);
}

#[test]
fn a_suspect_is_checked_before_its_next_use_although_the_call_went_well() {
    call(|| ResourceGuard::suspect(&mut checked::get().expect("it can be made")));
    call(|| drop(checked::get()));
    check(&["checked made", "reset", "checked checked", "reset"]);
    close_all();
}

#[test]
fn a_goodbye_that_panics_is_survived() {
    fn quit(value: Value) {
        assert!(value.0.is_empty(), "not like this");
    }

    #[multicore::resource(max_age = "0s", on_close = quit)]
    fn rude() -> Value {
        made("rude")
    }

    call(|| drop(rude::get()));
    check(&["rude made", "rude closed"]);
}

#[test]
fn a_maker_that_panics_is_asked_again() {
    #[multicore::resource]
    fn shy() -> Value {
        assert!(!DEAD.get(), "not yet");
        made("shy")
    }

    DEAD.set(true);
    panicking_call(|| drop(shy::get()));
    DEAD.set(false);
    call(|| drop(shy::get()));
    check(&["shy made"]);
    close_all();
}
