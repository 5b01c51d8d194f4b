//! Connections that the server has ended: Django's `CONN_HEALTH_CHECKS` and `errors_occurred`.

use super::{Site, ask};
use crate::tasks::connections::{
    Kind, backend, backend_twice, checks, run, run_and_fail, run_and_hide, run_and_panic, run_and_suspect,
};

/// Ends every connection of the site.
type End = fn(&mut Site, Kind);

fn terminated(site: &mut Site, _: Kind) {
    for pid in site.pids() {
        assert!(site.admin.terminate(pid));
    }
}

fn idle_for_too_long(site: &mut Site, kind: Kind) {
    // On a loaded machine the end may come in the middle of what sets it.
    site.run_everywhere(kind, "SET idle_session_timeout = '50ms'");
}

fn restarted(site: &mut Site, _: Kind) {
    ask("restart");
    site.look_again();
}

/// What the end of all connections costs each worker: none is the same afterwards, and none is dead.
fn cost(kind: Kind, end: End) -> usize {
    let mut site = Site::new();
    let (before, failed) = site.everywhere(kind);
    assert_eq!((before.len(), failed), (site.workers(), 0));
    end(&mut site, kind);
    site.has_only(vec![]);
    let (_, cost) = site.everywhere(kind);
    let (after, failed) = site.everywhere(kind);
    assert_eq!((after.len(), failed), (site.workers(), 0), "a worker is poisoned");
    assert!(after.iter().all(|pid| !before.contains(pid)), "{before:?} {after:?}");
    site.has_only(after);
    assert!(cost <= site.workers());
    cost
}

/// `pg_terminate_backend`.
pub fn a_terminated_connection_costs_one_call_at_most_for_each_worker() {
    cost(Kind::Checked, terminated);
}

/// The server is started anew.
pub fn a_restarted_server_costs_one_call_at_most_for_each_worker() {
    cost(Kind::Checked, restarted);
}

/// `idle_session_timeout`, a setting of the server.
pub fn an_idle_timeout_of_the_server_costs_one_call_at_most_for_each_worker() {
    cost(Kind::Checked, idle_for_too_long);
}

/// `CONN_HEALTH_CHECKS = True`.
pub fn checked_in_each_call_a_terminated_connection_costs_none() {
    assert_eq!(cost(Kind::CheckedEachCall, terminated), 0);
}

/// `CONN_HEALTH_CHECKS = True`.
pub fn checked_in_each_call_an_idle_timeout_costs_none() {
    assert_eq!(cost(Kind::CheckedEachCall, idle_for_too_long), 0);
}

/// `CONN_HEALTH_CHECKS = True`.
pub fn checked_in_each_call_a_restarted_server_costs_none() {
    assert_eq!(cost(Kind::CheckedEachCall, restarted), 0);
}

/// `test_health_checks_enabled`: a new connection is healthy, one of before is checked, once a call.
pub fn a_new_connection_is_not_checked_and_an_older_one_once_a_call() {
    let site = Site::of(1);
    let twice = || site.call(backend_twice::call(Kind::CheckedEachCall)).expect("a connection");
    let first = twice();
    assert_eq!(site.call(checks::call()), 0);
    for call in 1..=5 {
        assert_eq!(twice(), first);
        assert_eq!(site.call(checks::call()), call);
    }
}

/// `test_health_checks_enabled_errors_occurred`: after a failure a connection is checked once, and kept when it is
/// usable.
pub fn after_a_failed_call_a_connection_is_checked_once_and_kept() {
    let site = Site::of(1);
    let first = site.backend(Kind::Checked);
    let failures = [
        site.call(run_and_fail::call(Kind::Checked, "SELECT 1")).unwrap_err(),
        site.call(run::call(Kind::Checked, "no statement")).unwrap_err().to_string(),
    ];
    assert_eq!(failures[0], "as it was told");
    assert!(failures[1].contains("syntax error"), "{}", failures[1]);
    let panicked = site.pool.spawn(run_and_panic::call(Kind::Checked, "SELECT 1")).unwrap().get();
    assert!(matches!(panicked, Err(multicore::Error::Panicked { .. })), "{panicked:?}");
    // The second failure found it suspect, the panic as well, and so does this; the one behind does not.
    assert_eq!(site.backend(Kind::Checked), first);
    assert_eq!(site.call(checks::call()), 3);
    assert_eq!(site.backend(Kind::Checked), first);
    assert_eq!(site.call(checks::call()), 3);
}

/// `test_health_checks_disabled`: nobody asks, so a failure changes nothing, and a panic closes it to be safe.
pub fn without_a_check_a_failure_keeps_and_a_panic_replaces() {
    let mut site = Site::of(1);
    let first = site.backend(Kind::Kept);
    assert!(site.call(run_and_fail::call(Kind::Kept, "SELECT 1")).is_err());
    assert_eq!(site.backend(Kind::Kept), first);
    assert!(site.pool.spawn(run_and_panic::call(Kind::Kept, "SELECT 1")).unwrap().get().is_err());
    let second = site.backend(Kind::Kept);
    assert_ne!(second, first);
    site.has_only(vec![second]);
    assert!(site.said_goodbye(first));
}

/// There every error of the database is seen, here a call's own: a task that hides one says so itself.
pub fn a_call_that_hides_an_error_can_say_that_a_connection_is_suspect() {
    let mut site = Site::of(1);
    let first = site.backend(Kind::Checked);
    terminated(&mut site, Kind::Checked);
    site.has_only(vec![]);
    site.call(run_and_hide::call(Kind::Checked, "SELECT 1"));
    // Nobody said a word: it is as dead as before.
    site.call(run_and_suspect::call("SELECT 1")).expect("a connection of before");
    let second = site.call(backend::call(Kind::Checked)).expect("a new connection");
    assert_ne!(second, first);
}
