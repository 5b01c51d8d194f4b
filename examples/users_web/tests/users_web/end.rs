//! How it ends.

use std::os::unix::process::ExitStatusExt;

use nix::sys::signal::Signal;

use crate::server::Server;

#[test]
fn term_and_interrupt_end_it_well_and_nobody_is_left() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let server = Server::start(&[]);
        server.get("/").check(200, "data-how");
        server.get("/compare").check(200, "id=\"compared\"");
        server.signal(signal);
        assert!(server.ends().success());
    }
}

#[test]
fn a_request_that_is_under_way_is_answered_first() {
    let server = Server::start(&[]);
    let half = server.half_an_upload();
    server.signal(Signal::SIGTERM);
    assert!(server.line().starts_with("ending"));
    // New ones are not accepted.
    server.accepts_no_more();
    let answer = half.finish();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("id=\"upload-result\""), "{answer}");
    assert!(server.ends().success());
}

#[test]
fn a_request_that_does_not_end_keeps_it_for_a_while_only() {
    let server = Server::start(&["--shutdown-timeout", "1"]);
    let half = server.half_an_upload();
    server.signal(Signal::SIGTERM);
    assert!(server.ends().success());
    drop(half);
}

#[test]
fn a_report_keeps_it_for_a_while_only() {
    let server = Server::start(&["--shutdown-timeout", "1"]);
    for _ in 0..3 {
        assert_eq!(server.post("/report", "rounds=1000000").status, 303);
    }
    server.until("/pool/live", |pools| pools.body.contains("<code>report</code>"));
    server.signal(Signal::SIGTERM);
    assert!(server.ends().success());
}

/// Also while it is the pools that take their time.
#[test]
fn a_second_signal_does_not_wait_for_a_report() {
    let server = Server::start(&["--shutdown-timeout", "3600"]);
    assert_eq!(server.post("/report", "rounds=1000000").status, 303);
    server.until("/pool/live", |pools| pools.body.contains("<code>report</code>"));
    server.signal(Signal::SIGTERM);
    server.accepts_no_more();
    server.signal(Signal::SIGTERM);
    assert_eq!(server.ends().signal(), Some(Signal::SIGKILL as i32));
}

/// For so long as it was told it goes on, so that whoever asks for its health sends visitors elsewhere; and who does
/// not want to wait says so again.
#[test]
fn notice_is_given_and_a_second_signal_ends_it_at_once() {
    let server = Server::start(&["--notice", "3600"]);
    server.signal(Signal::SIGTERM);
    server.until("/healthz", |health| health.status == 503).check(503, "draining");
    server.get("/").check(200, "data-how=\"parallel\"");
    server.signal(Signal::SIGTERM);
    assert_eq!(server.ends().signal(), Some(Signal::SIGKILL as i32));
}
