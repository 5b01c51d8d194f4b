//! Resources of a whole program: from before its first pool to its end.

use std::panic;

use crate::tasks::resources::{name_ours, order, ours, turn};

/// The client has one before its workers are made, and after they have ended.
///
/// # Panics
/// When somebody else has it as well.
pub fn before(method: &str, log: &str) {
    order(log, "");
    let here = ours::get().identity();
    super::start(method);
    let there = name_ours::call(log).get().expect("the default pool");
    assert_ne!(there.0, here.0);
    assert_eq!(ours::get().identity(), here);
    multicore::shutdown();
    assert_eq!(ours::get().identity(), here);
}

/// The default pool, wherever a variable has it run.
///
/// # Panics
/// When that is not here.
pub fn inline(log: &str) {
    let turn = |end: &str| turn::call(log, "", end).get().expect("the default pool");
    let first = turn("").expect("one that goes well");
    assert_eq!(first.0, std::process::id());
    assert_eq!(turn("error"), Err("an error".to_owned()));
    assert_eq!(turn(""), Ok(first));
    multicore::shutdown();
}

/// A client that has used nothing else of this crate panics while it has one.
///
/// # Panics
/// When that does more than end what the panic went through.
pub fn panicking(log: &str) {
    order(log, "");
    panic::set_hook(Box::new(|_| {}));
    let unwound = panic::catch_unwind(|| ours::with(|_| panic!("the client's own")));
    assert!(unwound.is_err_and(|said| said.is::<&str>()));
    assert_eq!(ours::with(|value| value.identity().0), std::process::id());
}
