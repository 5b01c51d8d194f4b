//! What goes wrong in a call costs that call alone.

use std::panic::{AssertUnwindSafe, catch_unwind};

use multicore::{Backend, Error};

use crate::stage::Stage;
use crate::tasks::{self, Fragile};

/// The pool is as good as new.
fn goes_on(stage: &Stage) {
    let handles: Vec<_> = (0..20).map(|n| stage.spawn(tasks::square::call(n))).collect();
    for (n, handle) in (0..).zip(handles) {
        assert_eq!(handle.get().unwrap(), n * n);
    }
}

pub(crate) fn the_users_own_error_is_a_value(stage: &Stage) {
    assert_eq!(stage.get(tasks::half::call(8)), Ok(4));
    assert_eq!(stage.get(tasks::half::call(7)), Err("7 is odd".to_owned()));
}

pub(crate) fn an_error_that_cannot_travel_arrives_as_text(stage: &Stage) {
    assert_eq!(stage.get(tasks::parse::call("12")).unwrap(), 12);
    let error = stage.get(tasks::parse::call("x")).unwrap_err();
    assert_eq!(error.to_string(), "invalid digit found in string");
}

pub(crate) fn a_panic_is_told_with_its_place(stage: &Stage) {
    for what in ["tea", "beans"] {
        let error = stage.end(tasks::spill::call(what)).unwrap_err();
        let Error::Panicked { task, message, location, .. } = &error else { panic!("{error:?}") };
        assert!(task.ends_with("spill"), "{task}");
        assert_eq!(*message, format!("spilled {what}"));
        assert!(location.as_ref().is_some_and(|place| place.contains("tasks.rs:")), "{location:?}");
    }
    goes_on(stage);
}

fn fragile(text: &str) -> Fragile {
    Fragile(text.to_owned())
}

pub(crate) fn what_does_not_encode_is_an_error(stage: &Stage) {
    let ends = [
        stage.end(tasks::handle_with_care::call(fragile("stays"))),
        stage.end(tasks::make_fragile::call("stays")).map(|f| f.0.len()),
    ];
    for (end, whose) in ends.into_iter().zip(["the arguments", "the result"]) {
        if stage.is(Backend::Inline) {
            assert_eq!(end.unwrap(), 5, "nothing is encoded there");
        } else {
            assert!(matches!(&end, Err(Error::Encode { what, .. }) if *what == whose), "{end:?}");
        }
    }
    goes_on(stage);
}

pub(crate) fn what_does_not_decode_is_an_error(stage: &Stage) {
    let ends = [
        stage.end(tasks::handle_with_care::call(fragile("breaks"))),
        stage.end(tasks::make_fragile::call("breaks")).map(|f| f.0.len()),
    ];
    for (end, whose) in ends.into_iter().zip(["the arguments", "the result"]) {
        if stage.is(Backend::Inline) {
            assert_eq!(end.unwrap(), 6, "nothing is decoded there");
        } else {
            assert!(matches!(&end, Err(Error::Decode { what, .. }) if *what == whose), "{end:?}");
        }
    }
    goes_on(stage);
}

/// In the caller it is the caller's, and costs no slot; in a worker it is the call's.
pub(crate) fn a_panic_in_the_users_own_serialize_costs_nothing(stage: &Stage) {
    if stage.is(Backend::Inline) {
        return assert_eq!(stage.get(tasks::handle_with_care::call(fragile("bursts"))), 6);
    }
    for _ in 0..20 {
        let call = tasks::handle_with_care::call(fragile("bursts"));
        assert!(catch_unwind(AssertUnwindSafe(|| stage.pool.spawn(call).map(drop))).is_err());
    }
    let end = stage.end(tasks::make_fragile::call("bursts"));
    assert!(matches!(&end, Err(Error::Panicked { message, .. }) if message == "it burst"), "{end:?}");
    goes_on(stage);
}
