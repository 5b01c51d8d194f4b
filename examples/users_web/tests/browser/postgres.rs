//! The application with its users in PostgreSQL.

use std::thread;

use test_postgres::Cluster;

use crate::report::begin;
use crate::visit_at;

#[test]
#[cfg_attr(
    not(all(browser, postgres)),
    ignore = "needs Debian's packages chromium, chromium-driver and postgresql"
)]
fn users_in_postgresql() {
    let cluster = Cluster::start();
    visit_at(Some(&cluster.url_of("users_web")), &[], async |visitor| {
        visitor.open("/").await;
        visitor.see("#how", "parallel").await;
        visitor.press("Page 2").await;
        visitor.see(".pages", "Page 2 of 25").await;
        visitor.see("#users", "user201@example.org").await;
        begin(visitor, 100).await;
        visitor.see("#report-result", "What 5000 users spend").await;

        // However many pages there were: a connection for each worker, and no more.
        for page in 1..=10 {
            visitor.open(&format!("/?page={page}")).await;
            visitor.see("#how", "parallel").await;
        }
        // Its client has a runtime of its own, and so needs a thread without one.
        let connections =
            thread::scope(|scope| scope.spawn(|| cluster.admin().connections("users_web")).join());
        let connections = connections.expect("the server answers");
        assert!((1..=2).contains(&connections.len()), "{connections:?}");
    });
}
