//! The same list by worker processes, by a pool of threads and by one thread, round by round in turn.

use std::path::Path;

use super::cost::Mark;
use super::database::Database;
use super::hey;
use super::server::Server;
use super::{LIMIT, WORKERS};
use crate::endure::Verdict;
use crate::endure::plan::Plan;
use crate::endure::sheet::Sheet;

/// Who makes it, and where.
const WAYS: [(&str, &str); 4] = [
    ("worker processes", "/"),
    ("a pool of threads and of connections", "/compare/thread-pool"),
    ("one thread, a connection a request", "/compare/one-thread"),
    // What the tool and the server's own part of an answer leave of the machine.
    ("(a file of the server, no work in it)", "/style.css"),
];
/// The one that the others are measured by.
const THREADS: usize = 1;

/// Users on a page, and connections that ask for it.
const CASES: [(usize, usize); 3] = [(200, 1), (200, LIMIT), (5000, 1)];

/// How long a round is.
const SECONDS: u64 = 3;

/// What a round of one way showed.
#[derive(Clone, Copy, Debug)]
struct Round {
    rate: f64,
    /// The share of answers below it in milliseconds: 50, 90, 99 per cent, and all.
    times: [f64; 4],
    /// Of a core, in milliseconds an answer, without the tool's.
    cost: f64,
    /// The tool's share of all cores, in per cent.
    tool: f64,
}

pub(super) fn run(plan: &Plan, program: &Path, database: &Database, verdict: &mut Verdict) {
    let rounds = plan.times(5, 1);
    // Nobody is to be refused: all that is asked for here is made.
    let server = Server::start(program, database, 4 * LIMIT);
    let kind = database.kind();
    println!("\n{kind}, {WORKERS} workers: medians of {rounds} rounds of {SECONDS} s each, in turn");
    let heading = ["", "a second", "of threads'", "ms: p50", "p90", "p99", "max", "core ms", "tool %"];
    let mut sheet = Sheet::new(1, &heading);
    for (users, connections) in CASES {
        same_table(&server, users, verdict);
        let mut shown = WAYS.map(|_| Vec::new());
        for round in 0..rounds as usize {
            for way in (0..WAYS.len()).map(|turn| (turn + round) % WAYS.len()) {
                let url = format!("http://{}{}?size={users}", server.address(), WAYS[way].1);
                shown[way].extend(one(connections, &url, &format!("{kind}, {}", WAYS[way].0), verdict));
            }
        }
        sheet.row([format!("\n{users} users a page, {connections} at once")]);
        let base = median(&shown[THREADS], |round| round.rate);
        for ((name, _), rounds) in WAYS.iter().zip(&shown) {
            sheet.row(row(name, rounds, base));
        }
    }
    print!("{sheet}");
    let memory = server.memory();
    println!(
        "memory of their own, KiB: server {}, supervisor {}, each worker {}–{}",
        memory.server,
        memory.supervisor,
        memory.workers.start(),
        memory.workers.end()
    );
    server.end(verdict);
}

/// All ways make the same table.
fn same_table(server: &Server, users: usize, verdict: &mut Verdict) {
    let table = |path: &str| {
        let page = server.client().get(&format!("{path}?size={users}")).expect("a page").text();
        page.split_once("<table id=\"users\">")
            .and_then(|(_, rest)| Some(rest.split_once("</table>")?.0.to_owned()))
    };
    let tables = WAYS[..3].iter().map(|(_, path)| table(path)).collect::<Vec<_>>();
    let same = tables.iter().all(|table| table.is_some() && *table == tables[0]);
    verdict.must(same, || format!("the tables of {users} users differ: {:?}", WAYS));
}

fn one(connections: usize, url: &str, what: &str, verdict: &mut Verdict) -> Option<Round> {
    let mark = Mark::now();
    let answers = hey::run(connections, SECONDS, url);
    let cost = mark.cost();
    let pages = answers.of(200);
    verdict.must(answers.errors.is_empty(), || format!("{what}: {}", answers.errors.join("; ")));
    verdict.must(answers.statuses.keys().eq([&200]), || format!("{what}: not all of it was served"));
    let times = pages.quantiles([0.5, 0.9, 0.99, 1.0]);
    let [_, tool] = cost.shares();
    (pages.count() > 0).then(|| Round {
        rate: answers.rate(200),
        times: times.map(|time| time.map_or(0.0, |time| time.as_secs_f64() * 1e3)),
        cost: cost.each(pages.count()),
        tool,
    })
}

fn row(name: &str, rounds: &[Round], base: f64) -> Vec<String> {
    let middle = |of: &dyn Fn(&Round) -> f64| median(rounds, of);
    let rate = middle(&|round| round.rate);
    let mut cells = vec![format!("  {name}"), format!("{rate:.0}"), format!("{:.2}", rate / base)];
    cells.extend((0..4).map(|at| format!("{:.2}", middle(&|round| round.times[at]))));
    cells.push(format!("{:.3}", middle(&|round| round.cost)));
    cells.push(format!("{:.0}", middle(&|round| round.tool)));
    cells
}

fn median(rounds: &[Round], of: impl Fn(&Round) -> f64) -> f64 {
    let mut numbers: Vec<f64> = rounds.iter().map(of).collect();
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied().unwrap_or(f64::NAN)
}

/// What the figures mean, and what they leave out.
pub(super) const WHAT_IT_MEANS: &str = "
The tool has the same cores. `core ms` is what all others on the machine took for an answer, the database's server
among them; `a second` is what the tool left of the machine, so compare the ways, and not the machine with others.

What processes cost: a call and its HTML travel to another process and back, which is two wake-ups and two copies of
each part; and each worker has memory of its own. A list of few rows in safe code is what threads are best at: where
all cores have visitors anyway, nothing is gained by having one page made by several.
What they buy: one visitor's long page is made on all cores. As many connections as workers, whatever the visitors do.
A worker that crashes, or that is killed for memory, costs one call, which another worker repeats; on a thread it costs
the server, and everybody's page. A query or a loop that never ends is ended at its deadline, with its connection; a
thread cannot be ended, and keeps its core and its connection out of the pool's until somebody restarts the server.
";
