//! Whether it says how it is.

use crate::server::Server;

/// The only worker has something else to do for a minute.
#[test]
fn it_is_not_well_while_no_worker_answers_and_well_again_after_that() {
    let server = Server::start(&["--workers", "1"]);
    let health = server.get("/healthz").check(200, "\"status\":\"ok\"");
    assert_eq!(health.header("content-type"), "application/json");
    let report = server.post("/report", "rounds=1000000").check(303, "").header("location").to_owned();
    server.until("/pool/live", |pools| pools.body.contains("<code>report</code>"));
    let health = server.get("/healthz").check(503, "\"status\":\"slow\"");
    assert_eq!(health.header("content-type"), "application/json");
    server.post(&format!("{report}/cancel"), "").check(303, "");
    server.until("/healthz", |health| health.status == 200);
    server.get("/").check(200, "data-how=\"parallel\"");
}
