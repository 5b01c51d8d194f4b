//! A throwaway server does what it says, and leaves nothing behind, whatever becomes of its program.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use postgres::{Client, NoTls};
use test_postgres::Cluster;

#[track_caller]
fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(60), "never came true: {what}");
        thread::sleep(Duration::from_millis(2));
    }
}

/// A server's traces outside of its own memory.
struct Traces {
    port: u16,
    guard: i32,
    folder: PathBuf,
    segments: BTreeSet<i32>,
}

/// The shared memory of old kind that this process made or its users attached to last: one for each server.
fn segments(processes: &[i32]) -> BTreeSet<i32> {
    let table = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
    let segment = |line: &str| {
        let fields: Vec<i32> = line.split_whitespace().map(|field| field.parse().unwrap_or(-1)).collect();
        processes.contains(fields.get(4)?).then(|| fields[1])
    };
    table.lines().skip(1).filter_map(segment).collect()
}

fn all() -> Vec<(i32, i32, bool)> {
    let processes = fs::read_dir("/proc").expect("processes").flatten();
    let numbers = processes.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    let stat = |pid: i32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let (_, rest) = stat.rsplit_once(") ")?;
        let mut fields = rest.split(' ');
        Some((pid, !fields.next()?.starts_with('Z'), fields.next()?.parse().ok()?))
    };
    numbers.filter_map(stat).map(|(pid, lives, parent)| (pid, parent, lives)).collect()
}

fn below(parent: i32) -> Vec<i32> {
    let all = all();
    let mut found = vec![parent];
    for at in 0.. {
        let Some(&parent) = found.get(at) else { break };
        found.extend(all.iter().filter(|(_, its, _)| *its == parent).map(|(pid, ..)| *pid));
    }
    found
}

/// Whoever has this folder as its data, or keeps it.
fn users_of(folder: &Path) -> Vec<i32> {
    let folder = folder.to_string_lossy().into_owned();
    let uses = |pid: &i32| {
        let words = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let there = fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
        String::from_utf8_lossy(&words).contains(&folder) || there.starts_with(&folder)
    };
    all().into_iter().filter(|&(.., lives)| lives).map(|(pid, ..)| pid).filter(uses).collect()
}

impl Traces {
    fn of(port: u16, guard: i32, folder: &Path) -> Traces {
        let traces = Traces { port, guard, folder: folder.to_owned(), segments: segments(&below(guard)) };
        // So that their absence says something.
        assert!(!users_of(folder).is_empty() && folder.is_dir() && traces.listens(), "{port} {guard}");
        assert_eq!(traces.segments.len(), 1);
        traces
    }

    fn listens(&self) -> bool {
        TcpListener::bind(("127.0.0.1", self.port)).is_err()
    }

    fn left(&self) -> Vec<String> {
        let mut left: Vec<String> =
            users_of(&self.folder).iter().map(|pid| format!("process {pid}")).collect();
        let table = fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
        let known =
            |id: &&i32| table.lines().any(|line| line.split_whitespace().nth(1) == Some(&id.to_string()));
        left.extend(self.segments.iter().filter(known).map(|id| format!("segment {id}")));
        left.extend(self.folder.exists().then(|| format!("folder {}", self.folder.display())));
        left.extend(self.listens().then(|| format!("port {}", self.port)));
        // A dead one that nobody has collected yet is process 1's.
        let guard = all().into_iter().find(|&(pid, _, lives)| pid == self.guard && lives);
        left.extend(guard.map(|(pid, ..)| format!("guard {pid}")));
        left
    }
}

#[test]
#[cfg_attr(not(postgres), ignore = "no PostgreSQL server is installed")]
fn a_server_that_is_dropped_is_gone() {
    let cluster = Cluster::start();
    let mut kept = Client::connect(&cluster.url(), NoTls).unwrap();
    let traces = Traces::of(cluster.port(), cluster.guard(), cluster.folder());
    drop(cluster);
    assert_eq!(traces.left(), Vec::<String>::new());
    assert!(kept.simple_query("SELECT 1").is_err());
}

/// A program with a server.
struct Holder {
    child: Child,
    traces: Traces,
}

impl Holder {
    fn start(kind: &str) -> Holder {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hold"));
        command.arg(kind).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let words: Vec<&str> = line.split_whitespace().collect();
        let traces = Traces::of(words[0].parse().unwrap(), words[1].parse().unwrap(), Path::new(words[2]));
        Holder { child, traces }
    }

    fn tell(&mut self, word: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{word}").unwrap();
    }

    #[track_caller]
    fn ends(mut self) {
        self.child.wait().unwrap();
        let mut left = Vec::new();
        eventually("nothing is left", || {
            left = self.traces.left();
            left.is_empty()
        });
    }
}

#[test]
#[cfg_attr(not(postgres), ignore = "no PostgreSQL server is installed")]
fn a_server_ends_with_its_program_however_that_ends() {
    for (kind, end) in [("own", "return"), ("own", "panic"), ("own", "exit"), ("shared", "return")] {
        let mut holder = Holder::start(kind);
        holder.tell(end);
        holder.ends();
    }
}

#[test]
#[cfg_attr(not(postgres), ignore = "no PostgreSQL server is installed")]
fn a_server_ends_with_a_program_that_is_killed() {
    for signal in [Signal::SIGKILL, Signal::SIGABRT, Signal::SIGINT] {
        let holder = Holder::start("own");
        kill(Pid::from_raw(holder.child.id() as i32), signal).unwrap();
        holder.ends();
    }
}

#[test]
#[cfg_attr(not(postgres), ignore = "no PostgreSQL server is installed")]
fn a_guard_that_is_told_to_end_takes_its_server_along() {
    let mut holder = Holder::start("own");
    kill(Pid::from_raw(holder.traces.guard), Signal::SIGTERM).unwrap();
    eventually("the server is gone", || users_of(&holder.traces.folder).is_empty());
    holder.tell("exit");
    holder.ends();
}

#[test]
#[cfg_attr(not(postgres), ignore = "no PostgreSQL server is installed")]
fn a_server_that_is_restarted_keeps_its_place_and_its_data() {
    let cluster = Cluster::start();
    cluster.admin().run("CREATE TABLE kept AS SELECT 7 AS number");
    let before = cluster.admin().number("SELECT pg_backend_pid()::bigint");
    let mut open = Client::connect(&cluster.url(), NoTls).unwrap();
    cluster.restart();
    assert!(open.simple_query("SELECT 1").is_err(), "connections end");
    let mut admin = cluster.admin();
    assert_eq!(admin.number("SELECT number::bigint FROM kept"), 7);
    assert_ne!(admin.number("SELECT pg_backend_pid()::bigint"), before);
    cluster.stop();
    assert!(Client::connect(&cluster.url(), NoTls).is_err());
    cluster.resume();
    assert_eq!(cluster.admin().number("SELECT count(*) FROM kept"), 1);
}

#[test]
#[cfg_attr(not(postgres), ignore = "no PostgreSQL server is installed")]
fn connections_are_found_by_name_and_ended() {
    let cluster = Cluster::shared();
    let mut admin = cluster.admin();
    let mut clients: Vec<_> =
        (0..3).map(|_| Client::connect(&cluster.url_of("found"), NoTls).unwrap()).collect();
    let found = admin.connections("found");
    let pids = |clients: &mut [Client]| -> Vec<i32> {
        clients
            .iter_mut()
            .map(|client| client.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0))
            .collect()
    };
    assert_eq!(found.iter().map(|one| one.pid).collect::<Vec<_>>(), pids(&mut clients));
    assert!(found.iter().all(|one| one.state == "idle" && one.client_port > 0));
    assert!(admin.terminate(found[0].pid));
    eventually("it is gone", || admin.connections("found").len() == 2);
    assert!(clients[0].simple_query("SELECT 1").is_err());
    assert_eq!(pids(&mut clients[1..]), [found[1].pid, found[2].pid]);
    // A number that no process can have.
    assert!(!admin.terminate(i32::MAX));
    assert!(cluster.log().contains(&format!("{} found: FATAL:  terminating connection", found[0].pid)));
}

#[test]
#[cfg_attr(not(postgres), ignore = "no PostgreSQL server is installed")]
fn settings_of_its_own_count() {
    let cluster = Cluster::start_with(&[("max_connections", "7")]);
    assert_eq!(cluster.admin().number("SELECT current_setting('max_connections')::bigint"), 7);
}
