//! The application as a process.

use std::ops::RangeInclusive;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;

use super::WORKERS;
use super::client::Client;
use super::database::Database;
use crate::endure::watched::Watched;
use crate::endure::{Verdict, part};
use crate::fixture::Running;
use crate::procfs::{self, Stat};
use crate::watch::{LONG, eventually, within};

/// Whoever is there so long after it was told to end is left behind; the application itself takes at most 5 s.
const PATIENCE: Duration = Duration::from_secs(30);

/// Builds the application as its users do; where it is then.
///
/// # Panics
/// When it does not compile.
pub(super) fn build() -> PathBuf {
    let own = std::env::current_exe().expect("/proc is mounted");
    let target = own.ancestors().nth(2).expect("target/PROFILE/endure");
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--locked", "--quiet", "--example", "users_web", "--target-dir"])
        .arg(target)
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .status();
    assert!(built.is_ok_and(|status| status.success()), "the example users_web cannot be built");
    target.join("release/examples/users_web")
}

/// The part: becomes the application, and ends with whoever started this.
///
/// # Panics
/// When it cannot.
pub fn play(program: &str, arguments: &[&str]) {
    let error = Command::new(program).args(arguments).env_remove("DATABASE_URL").exec();
    panic!("{program}: {error}");
}

/// The application, as it runs.
pub(super) struct Server {
    running: Running,
    address: String,
    /// Of the pool for pages.
    supervisor: Stat,
}

/// Memory of their own, in KiB.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    pub(super) server: u64,
    pub(super) supervisor: u64,
    /// The least and the most that a worker has.
    pub(super) workers: RangeInclusive<u64>,
}

/// The workers that were replaced: all, and those that died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Restarts {
    pub(super) all: u64,
    pub(super) died: u64,
}

impl Server {
    /// Starts it on a port that is free. It fills the database, and has served one page.
    ///
    /// # Panics
    /// When it does not come that far.
    pub(super) fn start(program: &Path, database: &Database, limit: usize) -> Server {
        let (workers, limit) = (WORKERS.to_string(), limit.to_string());
        let [option, place] = database.arguments();
        let program = program.to_str().expect("a path of text");
        let arguments =
            [program, "--listen", "127.0.0.1:0", "--workers", &workers, "--limit", &limit, &option, &place];
        within(LONG, || {
            let mut running = part("exec", "serve", &arguments).start();
            let line = running.line();
            let address = line.strip_prefix("http://").and_then(|rest| rest.split_once('/'));
            let address = address.unwrap_or_else(|| panic!("no address in {line:?}")).0.to_owned();
            database.settle();
            let page = Client::new(&address).get("/pool").expect("the page of the pools");
            let worker = page_worker(&page.text()).unwrap_or_else(|| panic!("no worker in {}", page.text()));
            let supervisor = procfs::stat(worker).and_then(|worker| procfs::stat(worker.parent));
            let supervisor = supervisor.expect("a worker's parent");
            assert_eq!(supervisor.parent, running.pid(), "the supervisor is the application's child");
            let server = Server { running, address, supervisor };
            assert_eq!(server.client().get("/").expect("the list").status, 200);
            server
        })
    }

    /// Somebody who asks it.
    pub(super) fn client(&self) -> Client {
        Client::new(&self.address)
    }

    /// `127.0.0.1:PORT`.
    pub(super) fn address(&self) -> &str {
        &self.address
    }

    /// The supervisor of its pages' workers, whose children alone may be killed.
    pub(super) fn supervisor(&self) -> &Stat {
        &self.supervisor
    }

    pub(super) fn memory(&self) -> Memory {
        let workers = workers(&self.supervisor);
        let own: Vec<u64> = workers.iter().map(|worker| procfs::own_memory(worker.pid)).collect();
        Memory {
            server: procfs::own_memory(self.running.pid()),
            supervisor: procfs::own_memory(self.supervisor.pid),
            workers: own.iter().copied().min().unwrap_or(0)..=own.iter().copied().max().unwrap_or(0),
        }
    }

    /// What it says of the workers of its pages.
    ///
    /// # Panics
    /// When it does not say so.
    pub(super) fn restarts(&self) -> Restarts {
        let page = self.client().get("/pool").expect("the page of the pools").text();
        let first = |name: &str| {
            let cell = between(&page, &format!("{name}</th><td class=\"number\">"), "</td>");
            cell.and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("no `{name}` in {page}"))
        };
        Restarts { all: first("Workers replaced"), died: first("… that died") }
    }

    /// Waits for the statistics of so many kills; those of the end.
    pub(super) fn restarts_after(&self, kills: u64) -> Restarts {
        let mut restarts = self.restarts();
        eventually("each kill is in the statistics", || {
            restarts = self.restarts();
            restarts.all >= kills
        });
        restarts
    }

    /// Has it end by SIGTERM, and looks who is left.
    pub(super) fn end(self, verdict: &mut Verdict) {
        // Each by a descriptor: who loses its parent loses nothing of it.
        let family = Watched::these(procfs::relatives(self.running.pid()).into_iter().map(|stat| stat.pid));
        self.running.signal(Signal::SIGTERM);
        let gone = family.until_gone(PATIENCE);
        verdict.must(gone.left == 0, || format!("{} processes are left after SIGTERM", gone.left));
        let ended = within(LONG, || self.running.wait());
        verdict.must(ended.status.success(), || format!("SIGTERM: {}: {}", ended.status, ended.stderr));
    }
}

/// The workers that live.
pub(super) fn workers(supervisor: &Stat) -> Vec<Stat> {
    procfs::children(supervisor.pid).into_iter().filter(|worker| !worker.is_zombie()).collect()
}

/// A worker of the first pool on the page of the pools.
fn page_worker(page: &str) -> Option<i32> {
    let rows = page.split_once("Pages and reports</th>")?.1;
    between(rows, "<th scope=\"row\">", "</th>")?.parse().ok()
}

fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    Some(text.split_once(before)?.1.split_once(after)?.0)
}
