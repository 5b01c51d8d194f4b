//! The load: at the application's limit, and beyond it.

use std::path::Path;

use super::beside::{Beside, during};
use super::cost::{Cost, Mark};
use super::database::Database;
use super::hey::{self, Answers};
use super::server::{Memory, Restarts, Server};
use super::{LIMIT, WORKERS};
use crate::endure::Verdict;
use crate::endure::plan::Plan;
use crate::endure::sheet::{Sheet, Times, milliseconds};

/// The page that is asked for.
const PAGE: &str = "/";

/// A load: what it is called, and how many connections it has, that of our own visitor among them.
const LOADS: [(&str, usize); 2] = [("at the limit", LIMIT), ("beyond the limit", 4 * LIMIT)];

/// All that one load showed.
struct Shown {
    answers: Answers,
    beside: Beside,
    cost: Cost,
    memory: [Memory; 2],
    restarts: Restarts,
}

pub(super) fn run(plan: &Plan, program: &Path, database: &Database, verdict: &mut Verdict) {
    let seconds = plan.times(60, 5);
    for (name, connections) in LOADS {
        let server = Server::start(program, database, LIMIT);
        let memory = server.memory();
        let url = format!("http://{}{PAGE}", server.address());
        let mark = Mark::now();
        let (answers, beside) = during(&server, database, PAGE, || hey::run(connections - 1, seconds, &url));
        let cost = mark.cost();
        let restarts = server.restarts_after(beside.kills as u64);
        let shown = Shown { answers, beside, cost, memory: [memory, server.memory()], restarts };
        let load = format!("{}, {name}", database.kind());
        println!("\n{load}: {connections} connections for {seconds} s, {LIMIT} places, {WORKERS} workers");
        shown.tell();
        let mut found = Verdict::default();
        shown.judge(connections, &mut found);
        server.end(&mut found);
        found.0.into_iter().for_each(|what| verdict.must(false, || format!("{load}: {what}")));
    }
}

impl Shown {
    fn judge(&self, connections: usize, verdict: &mut Verdict) {
        let Shown { answers, beside, restarts, .. } = self;
        let (pages, refusals) = (answers.of(200).count(), answers.of(503).count());
        verdict.must(answers.errors.is_empty(), || format!("no answer: {}", answers.errors.join("; ")));
        for (status, times) in answers.statuses.iter().filter(|&(&status, _)| ![200, 503].contains(&status)) {
            verdict.must(false, || format!("{} answers with status {status}", times.count()));
        }
        verdict.must(pages > 0, || "no page was served".to_owned());
        let beyond = connections > LIMIT;
        verdict.must(beyond || refusals == 0, || format!("{refusals} refusals with a place for everybody"));
        verdict.must(!beyond || refusals > 0, || "nobody was refused beyond the limit".to_owned());
        for (who, seen) in [("a visitor", &beside.list), ("a doctor", &beside.health)] {
            let first = seen.wrong.first();
            verdict.must(first.is_none(), || {
                format!("{who} saw {} things wrong, such as {}", seen.wrong.len(), first.expect("one"))
            });
            verdict.must(!seen.statuses.is_empty(), || format!("{who} was never answered"));
        }
        let kills = beside.kills as u64;
        let counted = Restarts { all: kills, died: kills };
        verdict
            .must(*restarts == counted, || format!("{kills} workers were killed, and it says {restarts:?}"));
        verdict.must(kills > 0, || "no worker was killed".to_owned());
        let counts = &beside.counts;
        verdict.must(counts.too_many == 0, || {
            format!("more connections than workers in {} of {} samples", counts.too_many, counts.samples)
        });
        verdict.must(counts.most > 0, || "no connection was seen".to_owned());
    }

    fn tell(&self) {
        let Shown { answers, beside, cost, memory: [before, after], restarts } = self;
        let heading = ["", "answers", "a second", "ms: p50", "p90", "p99", "p99.9", "max"];
        let mut sheet = Sheet::new(1, &heading);
        for (&status, times) in &answers.statuses {
            let rate = format!("{:.0}", answers.rate(status));
            sheet.row(row(&format!("the tool: {status}"), times, &rate));
        }
        for (who, seen) in [("a visitor of ours", &beside.list), ("/healthz", &beside.health)] {
            for (status, times) in &seen.statuses {
                sheet.row(row(&format!("{who}: {status}"), times, ""));
            }
        }
        print!("{sheet}");
        let counts = &beside.counts;
        println!(
            "workers killed: {}; replaced: {}; connections in {} samples: at most {}, while one was dying {}",
            beside.kills, restarts.all, counts.samples, counts.most, counts.most_dying
        );
        println!(
            "memory of their own, KiB: server {} → {}, supervisor {} → {}, each worker {} → {}",
            before.server,
            after.server,
            before.supervisor,
            after.supervisor,
            span(before),
            span(after)
        );
        let [busy, tool] = cost.shares();
        println!("the cores were busy to {busy:.0} %; of that the tool {tool:.0} %");
    }
}

fn span(memory: &Memory) -> String {
    format!("{}–{}", memory.workers.start(), memory.workers.end())
}

/// Name, count, rate and percentiles.
fn row(name: &str, times: &Times, rate: &str) -> Vec<String> {
    let mut cells = vec![name.to_owned(), times.count().to_string(), rate.to_owned()];
    cells.extend(times.quantiles([0.5, 0.9, 0.99, 0.999, 1.0]).map(milliseconds));
    cells
}
