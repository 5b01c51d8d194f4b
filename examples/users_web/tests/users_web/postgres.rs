//! The same pages from a PostgreSQL server.

use std::thread;
use std::time::{Duration, Instant};

use test_postgres::{Admin, Cluster};

use crate::server::{LIMIT, Server};

fn soon(mut right: impl FnMut() -> bool) {
    let start = Instant::now();
    while !right() {
        assert!(start.elapsed() < LIMIT, "it does not come to pass");
        thread::sleep(Duration::from_millis(5));
    }
}

fn connections(admin: &mut Admin, application: &str) -> usize {
    admin.connections(application).len()
}

#[test]
#[cfg_attr(not(postgres), ignore = "no PostgreSQL server is installed")]
fn each_worker_has_one_connection_and_takes_it_along() {
    let cluster = Cluster::shared();
    let (mut admin, name) = (cluster.admin(), "users_web-each_worker");
    let server = Server::start(&["--demo", "--workers", "2", "--database-url", &cluster.url_of(name)]);
    let users = |server: &Server, path: &str| {
        let page = server.get(path).check(200, "id=\"how\"");
        page.between("id=\"users\"", "</table>").to_owned()
    };
    for page in 1..=25 {
        users(&server, &format!("/?page={page}"));
        assert!((1..=2).contains(&connections(&mut admin, name)));
    }
    for _ in 0..5 {
        let pools = server.until("/pool/live", |pools| pools.body.contains("End worker"));
        let pid = pools.between("End worker ", "\"").to_owned();
        server.post("/pool/end", &format!("process={pid}")).check(303, "");
        server.until("/pool/live", |pools| !pools.body.contains(&format!("End worker {pid}\"")));
        users(&server, "/?size=1000");
    }
    // The server needs a moment to see that a client is gone.
    soon(|| (1..=2).contains(&connections(&mut admin, name)));
    // One user is the same as the next one's, whatever the database.
    assert_eq!(users(&server, "/?page=7"), users(&Server::start(&[]), "/?page=7"));
    server.signal(nix::sys::signal::Signal::SIGTERM);
    assert!(server.ends().success());
    soon(|| connections(&mut admin, name) == 0);
}

/// It ends every connection; whoever reads takes a new one.
#[test]
#[cfg_attr(not(postgres), ignore = "no PostgreSQL server is installed")]
fn a_database_that_is_restarted_is_seen_by_nobody() {
    let cluster = Cluster::start();
    let server = Server::start(&["--database-url", &cluster.url()]);
    for _ in 0..3 {
        server.get("/").check(200, "data-how=\"parallel\"");
        server.get("/compare/thread-pool").check(200, "id=\"users\"");
        cluster.restart();
        server.get("/").check(200, "data-how=\"parallel\"");
        server.get("/compare/thread-pool").check(200, "id=\"users\"");
        let report = server.post("/report", "rounds=10").check(303, "").header("location").to_owned();
        let finished = |state: &crate::server::Answer| state.body.contains("\"finished\":true");
        server.until(&format!("{report}/state"), finished).check(200, "\"state\":\"done\"");
    }
    // While it is away a page says so, and the server waits for it.
    cluster.stop();
    server.get("/").check(500, "PostgreSQL");
    server.get("/healthz").check(200, "ok");
    cluster.resume();
    server.get("/").check(200, "data-how=\"parallel\"");
}
