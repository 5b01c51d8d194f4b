//! Each page, and what is asked of it wrongly.

use crate::server::Server;

fn rows(answer: &str) -> Option<&str> {
    Some(answer.split_once("<tbody>")?.1.split_once("</tbody>")?.0)
}

#[test]
fn every_page_is_there_and_each_is_whole() {
    let server = Server::start(&[]);
    for (path, part) in [
        ("/", "id=\"users\""),
        ("/report", "id=\"report-form\""),
        ("/upload", "id=\"upload-form\""),
        ("/pool", "id=\"workers\""),
        ("/pool", "id=\"stats\""),
        ("/pool/live", "id=\"workers\""),
        ("/compare", "id=\"compared\""),
        ("/compare/one-thread", "id=\"users\""),
        ("/compare/thread-pool", "id=\"users\""),
        ("/healthz", "\"status\":\"ok\""),
        ("/style.css", "prefers-color-scheme"),
        ("/script.js", "use strict"),
        ("/icon.svg", "<svg"),
    ] {
        let answer = server.get(path).check(200, part);
        assert!(answer.header("content-security-policy").contains("default-src 'none'"), "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        if answer.body.starts_with("<!DOCTYPE html>") {
            for part in ["lang=\"en\"", "name=\"viewport\"", "<title>", "<main", "<nav", "<h1>", "</html>"] {
                assert!(answer.body.contains(part), "{path} has no {part}");
            }
        }
    }
}

#[test]
fn the_list_says_how_it_was_made_and_is_the_same_each_time() {
    let server = Server::start(&["--workers", "2"]);
    let parallel = server.get("/?page=2&size=50").check(200, "data-how=\"parallel\"");
    let inline = server.get("/?page=2&size=50&threshold=0").check(200, "data-how=\"inline\"");
    let refused = server.get("/?page=2&size=50&threshold=0&busy=refuse").check(503, "data-how=\"refused\"");
    let allowed = server.get("/?page=2&size=50&threshold=10").check(200, "data-how=\"");
    let one = server.get("/compare/one-thread?page=2&size=50").check(200, "id=\"how\"");
    let many = server.get("/compare/thread-pool?page=2&size=50").check(200, "id=\"how\"");

    assert!(!refused.body.contains("id=\"users\"") && !refused.header("retry-after").is_empty());
    assert!(parallel.between("id=\"how\"", "</section>").contains("50 users in 4 chunks"));
    assert!(inline.between("id=\"how\"", "</section>").contains("by the server itself"));
    let users = |answer: &crate::server::Answer| answer.between("id=\"users\"", "</table>").to_owned();
    for other in [&inline, &allowed, &one, &many] {
        assert_eq!(users(other), users(&parallel));
    }
    let users = users(&parallel);
    assert_eq!(rows(&users).map(|rows| rows.matches("<tr>").count()), Some(50));
    assert!(
        users.contains("<td class=\"wide\">51</td>") && users.contains("<td class=\"wide\">100</td>"),
        "{users}"
    );
}

/// The pages together have each user once, in order; and names are text, whatever stands in them.
#[test]
fn the_pages_of_the_list_have_all_users_and_names_are_text() {
    let server = Server::start(&[]);
    let mut numbers = Vec::new();
    for page in 1..=5 {
        let answer = server.get(&format!("/?page={page}&size=1000")).check(200, &format!("Page {page} of 5"));
        let users = answer.between("id=\"users\"", "</table>");
        let of = |row: &str| row.split_once("</td>").and_then(|(number, _)| number.parse::<usize>().ok());
        numbers.extend(users.split("<tr><td class=\"wide\">").skip(1).map(|row| of(row).expect("a number")));
        assert!(!users.contains("<b>") && users.contains("&lt;b&gt;&amp;"));
    }
    assert!(numbers.into_iter().eq(1..=5000));
}

#[test]
fn what_makes_no_sense_is_told_so() {
    let server = Server::start(&[]);
    for (path, status) in [
        ("/nothing", 404),
        ("/pool/end", 404),
        ("/?page=26", 404),
        ("/?page=18446744073709551615", 404),
        ("/?page=99999999999999999999999999", 400),
        ("/?page=0", 400),
        ("/?page=-1", 400),
        ("/?page=two", 400),
        ("/?page=%ff", 400),
        ("/?page=1&page=2", 400),
        ("/?size=0", 400),
        ("/?size=5001", 400),
        ("/?threshold=-0.1", 400),
        ("/?threshold=85", 400),
        ("/?threshold=NaN", 400),
        ("/?busy=perhaps", 400),
        ("/compare?size=many", 400),
        ("/compare/one-thread?page=0", 400),
        ("/compare/two-threads", 404),
        ("/report/00112233445566778899aabbccddeeff", 404),
        ("/report/00112233445566778899aabbccddeeff/state", 404),
        ("/report/none", 404),
        ("/report/%00", 404),
        ("/samples/none", 404),
        ("/samples/..%2f..%2fetc%2fpasswd", 404),
    ] {
        server.get(path).check(status, "id=\"trouble\"");
    }
    for (path, status) in [("/", 405), ("/healthz", 405), ("/pool/end", 404), ("/report/none/cancel", 404)] {
        server.post(path, "process=1").check(status, "id=\"trouble\"");
    }
    server.delete("/report").check(405, "id=\"trouble\"");
    assert_eq!(server.post("/", "").header("allow"), "GET,HEAD");
    // Nothing of all that has cost a worker.
    server.get("/healthz").check(200, "ok");
    assert_eq!(server.get("/pool/live").between("Workers replaced</th><td class=\"number\">", "<"), "0");
}

#[test]
fn another_site_cannot_post_here() {
    let server = Server::start(&[]);
    let headers = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "cross-site")];
    server.send("/report", &headers, b"rounds=1").check(403, "id=\"trouble\"");
    let headers = [headers[0], ("sec-fetch-site", "same-origin")];
    assert_eq!(server.send("/report", &headers, b"rounds=1").status, 303);
}
