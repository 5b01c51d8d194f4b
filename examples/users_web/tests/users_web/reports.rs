//! Reports, from their beginning to each of their ends.

use crate::server::{Answer, Server};

/// Begins a report; its path.
fn begin(server: &Server, rounds: u32) -> String {
    let answer = server.post("/report", &format!("rounds={rounds}"));
    assert_eq!(answer.status, 303, "{}", answer.body);
    answer.header("location").to_owned()
}

fn percent(answer: &Answer) -> u64 {
    answer.between("\"percent\":", ",").parse().expect("a number")
}

fn finished(answer: &Answer) -> bool {
    answer.body.contains("\"finished\":true")
}

/// The process that runs this task.
fn runs(answer: &Answer, task: &str) -> Option<u32> {
    let row = answer.body.split("<tr>").find(|row| row.contains(&format!("<code>{task}</code>")))?;
    row.split_once("<th scope=\"row\">")?.1.split_once('<')?.0.parse().ok()
}

#[test]
fn a_report_is_begun_watched_and_read_as_often_as_one_likes() {
    let server = Server::start(&[]);
    let path = begin(&server, 20);
    server.until(&format!("{path}/state"), finished).check(200, "\"state\":\"done\",\"percent\":100");
    for _ in 0..2 {
        let page = server.get(&path).check(200, "id=\"report-result\"");
        assert_eq!(page.between("id=\"report-state\"", "</p>").rsplit('>').next(), Some("done"));
        assert_eq!(page.between("<tbody>", "</tbody>").matches("<tr>").count(), 16);
        assert!(!page.body.contains("id=\"report-bar\""));
    }
    server.get("/report").check(200, &format!("href=\"{path}\""));
}

#[test]
fn the_bar_grows_and_a_cancelled_report_is_none() {
    let server = Server::start(&[]);
    let path = begin(&server, 1_000_000);
    let state = format!("{path}/state");
    let page = server.get(&path).check(200, "<progress id=\"report-bar\"");
    assert!(page.body.contains("id=\"report-cancel\"") && page.body.contains("http-equiv=\"refresh\""));
    let first = server.until(&state, |answer| percent(answer) > 0);
    let more = server.until(&state, |answer| percent(answer) > percent(&first));
    assert!(!finished(&more), "{more:?}");
    // Its city is what its worker is at.
    server.until("/pool/live", |pools| runs(pools, "report").is_some());

    assert_eq!(server.post(&format!("{path}/cancel"), "").check(303, "").header("location"), path);
    server.until(&state, finished).check(200, "\"state\":\"cancelled\"");
    let page = server.get(&path).check(200, "cancelled");
    assert!(!page.body.contains("id=\"report-result\"") && !page.body.contains("id=\"report-bar\""));
    // Another time it changes nothing.
    assert_eq!(server.post(&format!("{path}/cancel"), "").status, 303);
    server.get(&path).check(200, "cancelled");
}

/// Its task has one retry.
#[test]
fn a_report_outlives_one_worker_and_says_so_when_it_does_not_outlive_two() {
    let server = Server::start(&["--demo"]);
    let path = begin(&server, 1_000_000);
    let mut ended = Vec::new();
    for _ in 0..2 {
        let another = |pools: &Answer| runs(pools, "report").is_some_and(|pid| !ended.contains(&pid));
        let pools = server.until("/pool/live", another);
        let pid = runs(&pools, "report").expect("it runs there");
        assert_eq!(server.get(&format!("{path}/state")).between("\"finished\":", "}"), "false");
        assert_eq!(server.post("/pool/end", &format!("process={pid}")).status, 303);
        ended.push(pid);
    }
    server.until(&format!("{path}/state"), finished).check(200, "\"state\":\"failed\"");
    server.get(&path).check(200, "was ended by SIGKILL");
    server.get("/").check(200, "data-how=\"parallel\"");
}

#[test]
fn a_wrong_form_begins_nothing() {
    let server = Server::start(&[]);
    for form in ["", "rounds=", "rounds=0", "rounds=-5", "rounds=1000001", "rounds=99999999999", "draws=5"] {
        server.post("/report", form).check(400, "id=\"trouble\"");
    }
    server.send("/report", &[("content-type", "text/plain")], b"rounds=5").check(400, "id=\"trouble\"");
    assert!(!server.get("/report").body.contains("Reports so far"));
}

#[test]
fn twenty_reports_may_be_under_way_and_no_more() {
    let server = Server::start(&[]);
    for _ in 0..20 {
        begin(&server, 1_000_000);
    }
    let answer = server.post("/report", "rounds=1").check(503, "under way");
    assert!(!answer.header("retry-after").is_empty());
    // A worker is kept for pages.
    server.get("/").check(200, "data-how=\"parallel\"");
}
