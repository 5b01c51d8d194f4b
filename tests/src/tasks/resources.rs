//! Resources that write down what happens to them, and tasks that use them as they are told.

use std::cell::RefCell;
use std::fs::OpenOptions;
use std::io::Write;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use multicore::{Handle, ResourceGuard};

use super::raise;

thread_local! {
    /// The file for what happens, and what is to go wrong: `make abort` and the like, by commas.
    static ORDERS: RefCell<(String, String)> = const { RefCell::new((String::new(), String::new())) };
}

/// The values that this process has made.
static MADE: AtomicU64 = AtomicU64::new(0);

/// What this thread's values do from now on, and where that is written down.
pub fn order(log: &str, moods: &str) {
    ORDERS.set((log.to_owned(), moods.to_owned()));
}

fn happens(log: &str, event: &str) {
    if !log.is_empty() {
        let mut file = OpenOptions::new().append(true).create(true).open(log).expect("a log");
        file.write_all(format!("{} {event}\n", std::process::id()).as_bytes()).expect("a line");
    }
}

fn told(event: &str) {
    ORDERS.with_borrow(|(log, _)| happens(log, event));
}

/// Does at this stage what it was ordered to; whether the stage goes well.
fn stage(name: &str) -> bool {
    let mood = ORDERS.with_borrow(|(_, moods)| {
        let mut moods = moods.split(", ").filter_map(|mood| mood.split_once(' '));
        moods.find(|(stage, _)| *stage == name).map(|(_, mood)| mood.to_owned())
    });
    match mood.as_deref() {
        None => true,
        Some("fail") => false,
        Some("panic") => panic!("it panics at {name}"),
        Some("abort") => std::process::abort(),
        Some("hang") => loop {
            thread::sleep(Duration::from_secs(1));
        },
        Some(other) => panic!("no such mood: {other}"),
    }
}

/// A value that says when it is made and dropped.
#[derive(Debug)]
pub struct Kept {
    name: &'static str,
    log: String,
    /// The how manieth of its process it is.
    pub number: u64,
}

impl Kept {
    fn new(name: &'static str) -> Kept {
        told(&format!("{name} made"));
        let log = ORDERS.with_borrow(|(log, _)| log.clone());
        Kept { name, log, number: MADE.fetch_add(1, Ordering::SeqCst) + 1 }
    }

    /// Whose it is.
    pub fn identity(&self) -> (u32, u64) {
        (std::process::id(), self.number)
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        happens(&self.log, &format!("{} closed", self.name));
    }
}

fn is_alive(value: &Kept) -> bool {
    told(&format!("{} checked", value.name));
    stage("check")
}

fn roll_back(value: &mut Kept) -> Result<(), String> {
    told(&format!("{} reset", value.name));
    if stage("reset") { Ok(()) } else { Err("it cannot be rolled back".to_owned()) }
}

fn say_goodbye(value: Kept) -> Result<(), String> {
    let well = stage("close");
    drop(value);
    if well { Ok(()) } else { Err("it hears nothing".to_owned()) }
}

/// With all that there is.
#[multicore::resource(check = is_alive, reset = roll_back, on_close = say_goodbye)]
pub fn db() -> Result<Kept, String> {
    if stage("make") { Ok(Kept::new("db")) } else { Err("no db".to_owned()) }
}

/// With nothing.
#[multicore::resource]
pub fn plain() -> Kept {
    Kept::new("plain")
}

/// For one call.
#[multicore::resource(max_age = "0s")]
pub fn brief() -> Kept {
    Kept::new("brief")
}

/// What [`upper()`] needs.
#[multicore::resource]
pub fn base() -> Kept {
    Kept::new("base")
}

/// Made with the help of [`base()`].
#[multicore::resource]
pub fn upper() -> Kept {
    drop(base::get());
    Kept::new("upper")
}

/// The client may have one as well.
#[multicore::resource(client)]
pub fn ours() -> Kept {
    Kept::new("ours")
}

/// Makes one before the first call, where a variable says what to write on.
#[multicore::worker_start]
fn warm_up() -> Result<(), String> {
    let Ok(log) = std::env::var("MULTICORE_TEST_WARM_UP") else { return Ok(()) };
    order(&log, "");
    db::get().map(drop)
}

/// Borrows the [`db()`] with these orders, and comes to this end; whose it was.
#[multicore::task]
pub fn turn(log: &str, moods: &str, end: &str) -> Result<(u32, u64), String> {
    order(log, moods);
    let mut guard = db::get()?;
    let identity = guard.identity();
    match end {
        "" => {}
        "error" => return Err("an error".to_owned()),
        "panic" => panic!("the call's own"),
        "suspect" => ResourceGuard::suspect(&mut guard),
        "discard" => ResourceGuard::discard(guard),
        "forget" => std::mem::forget(guard),
        "kill" => drop(raise(libc::SIGKILL)),
        "stay" => {
            told("stays");
            thread::sleep(Duration::from_secs(600));
        }
        other => panic!("no such end: {other}"),
    }
    Ok(identity)
}

/// Borrows four of them, the last one with these orders.
#[multicore::task]
pub fn tower(log: &str, moods: &str) -> Result<(), String> {
    order(log, moods);
    drop((upper::get(), plain::get(), db::get()?));
    Ok(())
}

/// Whose values a call and the calls that it makes have, and what is said where the outer one keeps it.
#[multicore::task]
pub fn nest(log: &str) -> ((u32, u64), (u32, u64), String) {
    order(log, "");
    let outer = brief::with(|value| value.identity());
    let inner = name_brief::call().get().expect("it runs here");
    let guard = brief::get();
    let refused = name_brief::call().get().expect_err("it is borrowed").to_string();
    (outer, if guard.identity() == outer { inner } else { outer }, refused)
}

/// Whose value it is.
#[multicore::task]
pub fn name_brief() -> (u32, u64) {
    brief::get().identity()
}

/// Whose value the calls on a part of something have.
#[multicore::task]
pub fn name_for_all(chunk: &[u64]) -> Vec<(u32, u64)> {
    chunk.iter().map(|_| brief::get().identity()).collect()
}

/// One pair for each input: whose value it was mapped with.
#[multicore::task]
pub fn name_for_one(_input: u64) -> Vec<((u32, u64), u64)> {
    vec![(brief::get().identity(), 1)]
}

/// How many inputs were mapped with it.
#[multicore::task]
pub fn count_named(_value: (u32, u64), counts: Vec<u64>) -> u64 {
    counts.iter().sum()
}

/// Whose value a task has, and its threads.
#[multicore::task]
pub fn in_threads(log: &str) -> Vec<(u32, u64)> {
    let own = move |log: &str| {
        order(log, "");
        drop(plain::get());
        plain::get().identity()
    };
    let mut all = vec![own(log)];
    for _ in 0..3 {
        let log = log.to_owned();
        all.push(thread::spawn(move || own(&log)).join().expect("no panic"));
    }
    all
}

/// Whose value a task has, its child, and its grandchild; and what is said where a child uses the task's.
#[multicore::task]
pub fn in_children(log: &str) -> (Vec<(u32, u64)>, String) {
    order(log, "");
    let guard = db::get().expect("it can be made");
    let (child, grandchild) = in_child();
    let refused = multicore::fork(|| guard.identity()).expect("a fork").join().expect_err("not its own");
    let same = guard.identity();
    drop(guard);
    let again = db::with(|value| value.identity()).expect("it is there");
    (vec![same, child, grandchild, again], refused.to_string())
}

/// Whose value a child has, and a child of that one.
pub fn in_child() -> ((u32, u64), (u32, u64)) {
    let child = multicore::fork(|| {
        let own = db::with(|value| value.identity()).expect("it can be made");
        let grandchild = multicore::fork(|| db::with(|value| value.identity()).expect("it can be made"));
        (own, grandchild.and_then(|child| child.join()).expect("a grandchild"))
    });
    child.and_then(|child| child.join()).expect("a child")
}

/// Whose the client's kind is here.
#[multicore::task]
pub fn name_ours(log: &str) -> (u32, u64) {
    order(log, "");
    ours::get().identity()
}

/// What becomes of a call that runs in a call.
#[multicore::task]
pub fn turn_within(log: &str, moods: &str, end: &str) -> Option<Result<(u32, u64), String>> {
    order(log, "");
    drop(db::get());
    turn::call(log, moods, end).spawn().and_then(Handle::get).ok()
}
