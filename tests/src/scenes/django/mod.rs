//! Django's rules for connections that persist, each in a scene of its name, against a real server.
//!
//! There they hold around a request, here around a call. The server and what it has to do is the business of the test
//! that plays a scene (`tests/tests/django.rs`): it hears of it by `ask`.

mod ages;
mod dead;
mod ends;
mod forks;
mod makers;
mod transactions;

use std::io::Write;

use multicore::{Backend, Call, Config, Handle, Pool};
use test_postgres::{Admin, Connection};

pub use self::ages::*;
pub use self::dead::*;
pub use self::ends::*;
pub use self::forks::*;
pub use self::makers::*;
pub use self::transactions::*;
use crate::fixture::Folder;
use crate::tasks::connections::{self, Kind, URL};
use crate::watch::eventually;

/// Names the server's log.
pub const LOG: &str = "MULTICORE_TEST_POSTGRES_LOG";

/// Has whoever plays the scene do something to the server: `stop`, `resume` or `restart`.
fn ask(what: &str) {
    println!("{what}");
    std::io::stdout().flush().expect("somebody listens");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).expect("an answer");
    assert_eq!(answer, "go on\n");
}

/// A pool in front of a server, and the server's own view of its connections.
struct Site {
    pool: Pool,
    admin: Admin,
    application: String,
}

impl Site {
    /// With two workers, or two threads; or the calling thread.
    fn new() -> Site {
        Site::of(2)
    }

    fn of(workers: usize) -> Site {
        Site::with(Pool::builder().workers(workers))
    }

    fn with(config: Config) -> Site {
        let url = std::env::var(URL).expect("a server");
        let (server, application) = url.split_once("?application_name=").expect("a name");
        Site {
            pool: config.build().expect("a pool"),
            admin: Admin::at(server),
            application: application.to_owned(),
        }
    }

    /// The server's view again, once it was away.
    fn look_again(&mut self) {
        let url = std::env::var(URL).expect("a server");
        self.admin = Admin::at(url.split('?').next().expect("a server"));
    }

    /// How many connections of a kind there may be.
    fn workers(&self) -> usize {
        if self.pool.backend() == Backend::Inline { 1 } else { self.pool.workers() }
    }

    #[track_caller]
    fn call<R: 'static>(&self, call: Call<'_, R>) -> R {
        self.pool.spawn(call).and_then(Handle::get).expect("a worker")
    }

    #[track_caller]
    fn backend(&self, kind: Kind) -> i32 {
        self.call(connections::backend::call(kind)).expect("a connection")
    }

    /// One call in each worker, all at once: the server's processes, and how many calls failed.
    #[track_caller]
    fn everywhere(&self, kind: Kind) -> (Vec<i32>, usize) {
        self.run_everywhere(kind, "")
    }

    /// As the one before, and each runs some statements.
    #[track_caller]
    fn run_everywhere(&self, kind: Kind, statements: &str) -> (Vec<i32>, usize) {
        let (folder, workers) = (Folder::new(), self.workers());
        let path = folder.path().to_string_lossy().into_owned();
        let call = || connections::backend_here::call(kind, statements, &path, workers);
        let handles: Vec<_> = (0..workers).map(|_| self.pool.spawn(call()).expect("a slot")).collect();
        let outcomes: Vec<_> = handles.into_iter().map(|handle| handle.get().expect("a worker")).collect();
        let mut pids: Vec<i32> =
            outcomes.iter().filter_map(|outcome| outcome.as_ref().ok().copied()).collect();
        pids.sort_unstable();
        (pids, outcomes.iter().filter(|outcome| outcome.is_err()).count())
    }

    /// The connections of now, as the server has them.
    fn connections(&mut self) -> Vec<Connection> {
        self.admin.connections(&self.application)
    }

    fn pids(&mut self) -> Vec<i32> {
        let mut pids: Vec<i32> = self.connections().into_iter().map(|connection| connection.pid).collect();
        pids.sort_unstable();
        pids
    }

    /// Waits for the server to have these and no others: it learns of an end a moment later.
    #[track_caller]
    fn has_only(&mut self, mut expected: Vec<i32>) {
        expected.sort_unstable();
        eventually(&format!("the server has {expected:?} alone"), || self.pids() == expected);
    }

    /// What the server noted about a connection, line by line.
    fn noted(&self, pid: i32) -> Vec<String> {
        let log = std::fs::read(std::env::var(LOG).expect("a log")).expect("the log");
        let prefix = format!("{pid} {}: ", self.application);
        let log = String::from_utf8_lossy(&log);
        log.lines().filter_map(|line| line.strip_prefix(&prefix).map(str::to_owned)).collect()
    }

    /// Waits for the server to note the end of a connection; whether its client said goodbye.
    #[track_caller]
    fn said_goodbye(&self, pid: i32) -> bool {
        eventually("the server notes the end", || self.notes(pid, "disconnection:"));
        !self.notes(pid, "unexpected EOF") && !self.notes(pid, "could not receive")
    }

    fn notes(&self, pid: i32, what: &str) -> bool {
        self.noted(pid).iter().any(|line| line.contains(what))
    }
}
