//! Functions of the user's that panic, ask for what they are busy with, or come too late.

use std::cell::Cell;
use std::sync::mpsc;
use std::thread;

use super::super::scope::around;
use super::super::{ResourceError, ResourceGuard, close_all};
use super::{Value, call, check, failing_call, happens, made, panicking_call};
use crate::panics;
use crate::report::Report;

/// One that closes by another's help, and the other way round.
#[multicore::resource(client, on_close = close_ping)]
fn ping() -> Value {
    made("ping")
}

#[multicore::resource(client, on_close = close_pong)]
fn pong() -> Value {
    made("pong")
}

fn close_ping(_value: Value) {
    drop(pong::get());
}

fn close_pong(_value: Value) {
    drop(ping::get());
}

#[test]
fn a_check_that_panics_has_failed() {
    fn asks(value: &Value) -> bool {
        panic!("{} does not answer", value.0)
    }

    #[multicore::resource(check = asks)]
    fn mute() -> Value {
        made("mute")
    }

    failing_call(|| drop(mute::get()));
    call(|| drop(mute::get()));
    check(&["mute made", "mute closed", "mute made"]);
    close_all();
}

#[test]
fn a_reset_that_panics_has_failed() {
    #[multicore::resource(reset = |value| { panic!("{} stays", value.0); #[allow(unreachable_code)] true })]
    fn stuck() -> Value {
        made("stuck")
    }

    call(|| drop(stuck::get()));
    check(&["stuck made", "stuck closed"]);
}

#[test]
fn what_panics_behind_a_panic_does_not_take_its_place() {
    fn leaves(value: Value) {
        panic!("{} leaves", value.0)
    }

    #[multicore::resource(on_close = leaves)]
    fn loud() -> Value {
        made("loud")
    }

    let report = panics::caught(|| {
        call(|| {
            let _guard = loud::get();
            panic!("the call's own")
        })
    });
    let Err(Report::Panicked { message, location, .. }) = report else { panic!("it panicked") };
    assert_eq!(message, "the call's own");
    assert!(location.is_some_and(|place| place.contains("trouble.rs")), "its place is kept");
    check(&["loud made", "loud closed"]);
}

#[test]
fn those_that_close_by_each_others_help_come_to_an_end() {
    call(|| drop(ping::get()));
    close_all();
    // The last one asks for one that is being closed, which is a panic, and is told.
    check(&["ping made", "pong made", "pong closed", "ping closed"]);
    call(|| drop(ping::get()));
    check(&["ping made"]);
    close_all();
}

#[test]
fn one_that_asks_for_itself_while_it_is_closed_is_told() {
    fn again(value: Value) {
        let error = narcissus::try_get().expect_err("it is being closed");
        assert!(matches!(error, ResourceError::Cyclic { .. }), "{error}");
        happens(&format!("{} refused", value.0));
    }

    #[multicore::resource(client, max_age = "0s", on_close = again)]
    fn narcissus() -> Value {
        made("narcissus")
    }

    drop(narcissus::get());
    call(|| drop(narcissus::get()));
    check(&[
        "narcissus made",
        "narcissus refused",
        "narcissus closed",
        "narcissus made",
        "narcissus refused",
        "narcissus closed",
    ]);
}

#[test]
fn a_check_and_a_reset_that_ask_for_their_own_value_have_failed() {
    #[multicore::resource(check = |_| { drop(own::get()); true })]
    fn own() -> Value {
        made("own")
    }

    #[multicore::resource(reset = |_| { drop(owned::get()); true })]
    fn owned() -> Value {
        made("owned")
    }

    failing_call(|| drop(own::get()));
    call(|| drop(own::get()));
    check(&["own made", "own closed", "own made"]);
    close_all();
    check(&["own closed"]);
    call(|| drop(owned::get()));
    check(&["owned made", "owned closed"]);
}

#[test]
fn a_maker_that_makes_a_call_that_needs_it_is_told() {
    #[multicore::resource]
    fn snake() -> Value {
        let error = call(|| snake::try_get().map(drop)).expect_err("it is being made");
        assert!(matches!(error, ResourceError::Cyclic { .. }), "{error}");
        made("snake")
    }

    call(|| drop(snake::get()));
    check(&["snake made"]);
    close_all();
}

#[test]
fn what_is_given_back_in_a_later_call_is_put_in_order_after_that() {
    #[multicore::resource(reset = |value| { happens("reset"); !value.0.is_empty() })]
    fn lent() -> Value {
        made("lent")
    }

    let guard = call(lent::get);
    check(&["lent made"]);
    call(|| drop(guard));
    check(&["reset"]);
    let guard = call(lent::get);
    drop(guard);
    check(&["reset"]);
    close_all();
}

#[test]
fn a_value_that_keeps_a_guard_of_another_gives_it_back_as_it_ends() {
    struct Keeping(#[allow(dead_code)] ResourceGuard<Value>);

    #[multicore::resource]
    fn kept() -> Value {
        made("kept")
    }

    #[multicore::resource]
    fn keeping() -> Keeping {
        Keeping(kept::get())
    }

    call(|| drop(keeping::get()));
    call(|| ResourceGuard::discard(keeping::get()));
    call(|| drop(kept::get()));
    check(&["kept made"]);
    call(|| drop(keeping::get()));
    close_all();
    check(&["kept closed"]);
    // And where the thread ends.
    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || {
        SENDER.set(Some(sender));
        call(|| drop(telling_keeper::get()));
    });
    thread.join().expect("no panic");
    assert_eq!(receiver.iter().collect::<Vec<_>>(), ["the other is closed"]);
}

thread_local! {
    /// Whom a value tells at its thread's end.
    static SENDER: Cell<Option<mpsc::Sender<&'static str>>> = const { Cell::new(None) };
}

/// Says to another thread that it is dropped.
struct Telling(mpsc::Sender<&'static str>, &'static str);

impl Drop for Telling {
    fn drop(&mut self) {
        self.0.send(self.1).expect("somebody listens");
    }
}

#[multicore::resource(client)]
fn telling() -> Telling {
    Telling(SENDER.take().expect("the thread has set it"), "the other is closed")
}

#[multicore::resource]
fn telling_keeper() -> Box<dyn std::any::Any> {
    Box::new(telling::get())
}

#[test]
fn a_goodbye_that_panics_as_its_thread_ends_harms_nobody() {
    fn leaves(value: Telling) {
        let ended =
            telling::try_get().err().is_some_and(|error| matches!(error, ResourceError::Ended { .. }));
        value
            .0
            .send(if ended { "it is too late for others" } else { "it is not" })
            .expect("somebody listens");
        panic!("not like this");
    }

    #[multicore::resource(on_close = leaves)]
    fn last() -> Telling {
        Telling(SENDER.take().expect("the thread has set it"), "closed")
    }

    let (sender, receiver) = mpsc::channel();
    let thread = thread::spawn(move || {
        SENDER.set(Some(sender));
        call(|| drop(last::get()));
        // What a thread knows of panics ends before its values, if it came to know it later.
        assert!(panics::caught(|| panic!("before the end")).is_err());
    });
    thread.join().expect("no panic");
    assert_eq!(receiver.iter().collect::<Vec<_>>(), ["it is too late for others", "closed"]);
}

#[test]
fn a_refusal_has_the_place_of_whoever_asked() {
    let report = panics::caught(|| call(|| (ping::get(), ping::get())));
    let Err(Report::Panicked { message, location, .. }) = report else { panic!("it is borrowed") };
    assert!(message.contains("ping` is borrowed in this thread already"), "{message}");
    assert!(location.is_some_and(|place| place.contains("trouble.rs")), "not the macro's");
    call(|| ping::with(|value| assert_eq!(value.0, "ping")));
    close_all();
}

#[test]
fn a_value_is_closed_once_whatever_panics() {
    #[multicore::resource]
    fn once() -> Value {
        made("once")
    }

    panicking_call(|| {
        let guard = once::get();
        around(|| drop(guard), |()| true);
        let _guard = once::get();
        panic!("in the middle");
    });
    check(&["once made", "once closed"]);
}
