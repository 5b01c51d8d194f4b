//! A busy server says so at once; and a killed worker is nobody's business.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU32};
use std::thread;
use std::time::{Duration, Instant};

use crate::server::{Answer, Folder, LIMIT, Server, program};

#[test]
fn beyond_the_limit_is_503_at_once_and_what_costs_nothing_is_answered() {
    let server = Server::start(&["--limit", "1"]);
    let half = server.half_an_upload();
    for path in ["/", "/report", "/pool", "/nothing-but-a-limit"] {
        let answer = server.get(path);
        let expected = if path.starts_with("/nothing") { 404 } else { 503 };
        let answer = answer.check(expected, "id=\"trouble\"");
        assert_eq!(answer.header("retry-after"), if expected == 503 { "1" } else { "" });
    }
    server.get("/healthz").check(200, "ok");
    server.get("/style.css").check(200, "body");
    let answer = half.finish();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n") && answer.contains("id=\"upload-result\""), "{answer}");
    server.get("/").check(200, "data-how=\"parallel\"");
}

/// The place is given back, though nobody waits for the answer.
#[test]
fn a_visitor_who_leaves_keeps_no_place() {
    let server = Server::start(&["--limit", "1"]);
    drop(server.half_an_upload());
    server.until("/", |answer| answer.status == 200);
}

#[test]
fn above_the_load_that_is_allowed_is_503() {
    let server = Server::start(&["--max-load-average", "0"]);
    assert_eq!(server.get("/").check(503, "id=\"trouble\"").header("retry-after"), "1");
    server.get("/healthz").check(200, "ok");
    let folder = Folder::new();
    let mut program = program(&folder, &[]);
    program.env("MULTICORE_MAX_LOAD_AVERAGE", "0");
    Server::run(&mut program).get("/").check(503, "id=\"trouble\"");
}

/// Reads have retries: no visitor sees that workers die.
#[test]
fn workers_that_are_killed_are_seen_by_nobody() {
    let server = Server::start(&["--demo", "--limit", "100"]);
    let (over, pages) = (AtomicBool::new(false), [const { AtomicU32::new(0) }; 3]);
    let visit = |pages: &AtomicU32| {
        while !over.load(Relaxed) {
            server.get("/?size=500").check(200, "data-how=\"parallel\"");
            server.get("/healthz").check(200, "ok");
            pages.fetch_add(1, Relaxed);
        }
    };
    thread::scope(|scope| {
        let visitors = pages.each_ref().map(|pages| scope.spawn(|| visit(pages)));
        let _over = Over(&over);
        let mut ended = Vec::new();
        for _ in 0..20 {
            let another =
                |pools: &Answer| worker(pools).is_some_and(|pid| !ended.iter().any(|ended| ended == pid));
            let pools = server.until("/pool/live", another);
            let pid = worker(&pools).expect("there is one").to_owned();
            server.post("/pool/end", &format!("process={pid}")).check(303, "");
            ended.push(pid);
            // What was under way is over after that, so no call is met more often than it is run again.
            let seen = pages.each_ref().map(|pages| pages.load(Relaxed));
            let start = Instant::now();
            while pages.iter().zip(seen).any(|(pages, seen)| pages.load(Relaxed) < seen + 2) {
                assert!(start.elapsed() < LIMIT && !visitors.iter().any(|visitor| visitor.is_finished()));
                thread::sleep(Duration::from_millis(1));
            }
        }
    });
    server.until("/pool/live", |pools| died(pools) == 20 && !pools.body.contains("being replaced"));
}

/// How many workers of the first pool have died.
fn died(pools: &Answer) -> u32 {
    pools.between("… that died</th><td class=\"number\">", "<").parse().expect("a number")
}

/// One of the first pool.
fn worker(pools: &Answer) -> Option<&str> {
    let first = pools.between("Pages and reports", "</tbody>");
    Some(first.split_once("aria-label=\"End worker ")?.1.split_once('"')?.0)
}

/// The visitors leave, also where this thread panics.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}
