//! Whom a call tells that it has settled.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::task::{Wake, Waker};

use super::work::{Outcome, Work};
use crate::TaskFn;
use crate::report::Report;

#[multicore::task]
fn nothing() {}

#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, SeqCst);
    }
}

fn work() -> Work {
    Work::new(nothing::entry(), false)
}

#[test]
fn the_last_waker_is_woken_once() {
    let (work, first, last) = (work(), Arc::new(Bell::default()), Arc::new(Bell::default()));
    assert!(!work.is_settled_or_wakes(&Waker::from(first.clone())));
    assert!(!work.is_settled_or_wakes(&Waker::from(last.clone())));
    work.settle(Outcome::Closed).expect("somebody to wake").wake();
    assert!(work.settle(Outcome::Closed).is_none());
    assert_eq!([&first, &last].map(|bell| bell.0.load(SeqCst)), [0, 1]);
    assert!(work.is_settled_or_wakes(&Waker::from(first.clone())), "too late to be told");
    assert_eq!(first.0.load(SeqCst), 0);
}

#[test]
fn what_is_asked_to_end_is_cancelled_unless_it_was_over() {
    let asked = work();
    assert!(!asked.ends());
    asked.ask_to_end();
    assert!(asked.ends());
    assert!(asked.settle(Outcome::Report(Report::Encode("it went on".to_owned()))).is_none());
    assert!(matches!(asked.take(), Some(Outcome::Report(Report::Cancelled))));
    let over = work();
    assert!(over.settle(Outcome::Closed).is_none());
    over.ask_to_end();
    assert!(!over.ends());
    assert!(matches!(over.take(), Some(Outcome::Closed)));
    assert!(over.take().is_none());
}
