//! A throwaway PostgreSQL server: started by a test, gone with it, whatever becomes of the test.
//!
//! It listens on the loopback address alone, on a port that was free, trusts everybody there and keeps nothing:
//! everything is in a temporary folder, and nothing is synchronised to a disk. What is installed is found
//! by itself; build scripts use the same file, so that tests are reported as ignored where there is none:
//!
//! ```text
//! #[test]
//! #[cfg_attr(not(postgres), ignore = "no PostgreSQL server is installed")]
//! fn a_connection_is_kept() {
//!     let mut admin = test_postgres::Cluster::shared().admin();
//! }
//! ```

mod admin;
mod guard;
mod installed;

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use postgres::{Client, NoTls};

pub use self::admin::{Admin, Connection};
use self::guard::Guard;
use self::installed::Installed;

/// What each server is started with.
///
/// The log has the connection's process and application in front of each line, and at `debug1` it says of a client
/// that went without a goodbye: "unexpected EOF on client connection".
const SETTINGS: [(&str, &str); 13] = [
    ("listen_addresses", "127.0.0.1"),
    ("unix_socket_directories", ""),
    ("fsync", "off"),
    ("synchronous_commit", "off"),
    ("full_page_writes", "off"),
    ("autovacuum", "off"),
    ("shared_buffers", "16MB"),
    ("max_connections", "100"),
    // In the folder, not in /dev/shm: it goes with the folder.
    ("dynamic_shared_memory_type", "mmap"),
    ("log_min_messages", "debug1"),
    ("log_line_prefix", "%p %a: "),
    ("log_connections", "on"),
    ("log_disconnections", "on"),
];

/// Far longer than a server takes to start or to stop on a loaded machine.
const LONG: Duration = Duration::from_secs(60);
/// How many ports are tried that were free a moment before.
const PORTS: usize = 20;

/// A server with its data. Dropped, it stops and its folder is removed, before this returns.
///
/// The same happens when the process ends in any other way, a moment later.
pub struct Cluster {
    guard: Mutex<Guard>,
    folder: PathBuf,
    port: u16,
}

impl Cluster {
    /// The one that the tests of this process share; made by whoever asks first, in about a second.
    ///
    /// # Panics
    /// As [`start`](Cluster::start).
    pub fn shared() -> &'static Cluster {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        SHARED.get_or_init(Cluster::start)
    }

    /// One of its own, for tests that stop it or end connections that are not theirs.
    ///
    /// # Panics
    /// When no server is installed, or it does not come to answer: with its log.
    pub fn start() -> Cluster {
        Cluster::start_with(&[])
    }

    /// As [`start`](Cluster::start), with settings of its own, which count before the usual ones.
    ///
    /// # Panics
    /// As [`start`](Cluster::start).
    pub fn start_with(settings: &[(&str, &str)]) -> Cluster {
        let installed = Installed::find().unwrap_or_else(|missing| panic!("{missing}"));
        let mut guard = Guard::new(&installed, &[&SETTINGS[..], settings].concat());
        let folder = guard.folder().to_owned();
        let made = guard.ask(format_args!("make"));
        let mut cluster = Cluster { guard: Mutex::new(guard), folder, port: 0 };
        assert_eq!(made, 0, "initdb: {}", cluster.log());
        for _ in 0..PORTS {
            cluster.port = free_port();
            if cluster.launch() {
                return cluster;
            }
        }
        panic!("no server after {PORTS} ports: {}", cluster.log())
    }

    /// Where it is: the superuser's connection to the database `postgres`. The same after a restart.
    pub fn url(&self) -> String {
        format!("postgresql://postgres@127.0.0.1:{}/postgres", self.port)
    }

    /// [`url`](Cluster::url) for connections that are found by this name ([`Admin::connections`]).
    pub fn url_of(&self, application: &str) -> String {
        format!("{}?application_name={application}", self.url())
    }

    /// Its port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// A connection to look at it.
    ///
    /// # Panics
    /// When it does not answer.
    #[track_caller]
    pub fn admin(&self) -> Admin {
        Admin::at(&self.url())
    }

    /// All that it said until now.
    pub fn log(&self) -> String {
        let log = fs::read(self.folder.join("log")).unwrap_or_default();
        String::from_utf8_lossy(&log).into_owned()
    }

    /// Where its data are.
    pub fn folder(&self) -> &std::path::Path {
        &self.folder
    }

    /// The process that keeps it; the server is its child.
    pub fn guard(&self) -> i32 {
        self.locked().pid()
    }

    /// Stops it: all connections are ended, with a word to each client. Its data stay.
    ///
    /// # Panics
    /// When its guard is gone.
    pub fn stop(&self) {
        self.locked().ask(format_args!("stop INT"));
    }

    /// Starts it again where it was.
    ///
    /// # Panics
    /// When it does not come to answer: with its log.
    pub fn resume(&self) {
        assert!(self.launch(), "{}", self.log());
    }

    /// Stops it and starts it again.
    ///
    /// # Panics
    /// As [`resume`](Cluster::resume).
    pub fn restart(&self) {
        self.stop();
        self.resume();
    }

    /// Starts the server; whether it answers. Where it ended at once, its port was taken.
    fn launch(&self) -> bool {
        let server = self.locked().ask(format_args!("start {}", self.port));
        let start = Instant::now();
        while lives(server) {
            // Another server may have the port: only this one has the folder.
            if self.is_ready() && Client::connect(&self.url(), NoTls).is_ok() {
                return true;
            }
            assert!(start.elapsed() < LONG, "the server does not answer: {}", self.log());
            thread::sleep(Duration::from_millis(2));
        }
        self.stop();
        false
    }

    /// What the server notes about itself, line by line; the eighth is its state.
    fn is_ready(&self) -> bool {
        let notes = fs::read_to_string(self.folder.join("data/postmaster.pid")).unwrap_or_default();
        notes.lines().nth(7).is_some_and(|state| state.trim() == "ready")
    }

    fn locked(&self) -> MutexGuard<'_, Guard> {
        self.guard.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    listener.local_addr().expect("its number").port()
}

/// One that has ended stays a zombie until its guard looks.
fn lives(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']))
}
