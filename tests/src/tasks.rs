//! Task functions: what works, and every way not to.

use std::fs;
use std::io::Read;
use std::ops::Range;
use std::process::Command;
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{payload, wild};

/// The simplest.
#[multicore::task]
pub fn square(n: u64) -> u64 {
    n * n
}

/// The process that it runs in.
#[multicore::task]
pub fn whoami() -> i32 {
    std::process::id() as i32
}

/// The process above that.
#[multicore::task]
pub fn parent() -> i32 {
    nix::unistd::getppid().as_raw()
}

/// Takes its time; what it was asked.
#[multicore::task]
pub fn nap(milliseconds: u64) -> u64 {
    thread::sleep(Duration::from_millis(milliseconds));
    milliseconds
}

/// Says in a file who runs it, then takes its time.
#[multicore::task]
pub fn announce(path: &str, milliseconds: u64) -> u64 {
    write_whole(path, &std::process::id().to_string());
    thread::sleep(Duration::from_millis(milliseconds));
    milliseconds
}

/// Adds a line to a file.
#[multicore::task]
pub fn note(path: &str, line: u64) {
    use std::io::Write;
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
    file.write_all(format!("{line}\n").as_bytes()).unwrap();
}

/// So that a reader finds all of the text or no file.
pub fn write_whole(path: &str, text: &str) {
    let half = format!("{path}.{}", std::process::id());
    fs::write(&half, text).unwrap();
    fs::rename(half, path).unwrap();
}

/// The same bytes.
#[multicore::task]
pub fn echo(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

/// The same bytes, from window to window.
#[multicore::task]
pub fn hand_back(bytes: &[u8]) -> &[u8] {
    bytes
}

/// What lies behind the middle.
#[multicore::task]
pub fn second_half(numbers: &[u64]) -> &[u64] {
    &numbers[numbers.len() / 2..]
}

/// The same bytes with no framing.
#[multicore::task(codec = "raw")]
pub fn echo_raw(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

/// The same bytes with no framing, taken by value.
#[multicore::task(codec = "raw")]
pub fn double_raw(numbers: Vec<f64>) -> Vec<f64> {
    numbers.into_iter().map(|n| 2.0 * n).collect()
}

/// How many bytes came.
#[multicore::task]
pub fn length(bytes: &[u8]) -> u64 {
    bytes.len() as u64
}

/// So many zeroes.
#[multicore::task]
pub fn zeroes(len: usize) -> Vec<u8> {
    vec![0; len]
}

/// Checks the argument against its seed, and gives the bytes of another.
#[multicore::task]
pub fn exchange(seed: u64, argument: &[u8], wanted: u64, len: usize) -> Vec<u8> {
    payload::check(argument, seed, argument.len());
    payload::bytes(wanted, len).to_vec()
}

/// Text in, text out.
#[multicore::task]
pub fn shout(text: &str) -> String {
    text.to_uppercase()
}

/// Plain old data in and out.
#[multicore::task]
pub fn halves(numbers: &[f64]) -> Vec<f64> {
    numbers.iter().map(|n| n / 2.0).collect()
}

/// A structure that travels by serde.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Person {
    /// Text.
    pub name: String,
    /// Perhaps a number.
    pub age: Option<u8>,
    /// A list of itself.
    pub friends: Vec<Person>,
}

/// Structures in and out, by reference and by value.
#[multicore::task]
pub fn befriend(person: &Person, friend: Person) -> Person {
    let mut person = person.clone();
    person.friends.push(friend);
    person
}

/// Structures as JSON text.
#[cfg(feature = "json")]
#[multicore::task(codec = "json")]
pub fn befriend_json(person: &Person, friend: Person) -> Person {
    befriend(person, friend)
}

/// The user's own errors.
#[multicore::task]
pub fn checked_half(n: u64) -> Result<u64, String> {
    if n.is_multiple_of(2) { Ok(n / 2) } else { Err(format!("{n} is odd")) }
}

/// Errors that cannot travel, as text.
#[multicore::task(error = "text")]
pub fn parse(text: &str) -> Result<i32, Box<dyn std::error::Error>> {
    Ok(text.parse()?)
}

/// `(start, end)` of a chunk.
#[multicore::task]
pub fn start_end(start: usize, end: usize) -> (usize, usize) {
    (start, end)
}

/// A chunk's range.
#[multicore::task]
pub fn in_range(range: Range<usize>) -> Range<usize> {
    range
}

/// The sum of a chunk's items.
#[multicore::task]
pub fn sum(chunk: &[u64]) -> u64 {
    chunk.iter().sum()
}

/// Which process ran each chunk.
#[multicore::task]
pub fn ran_in(_range: Range<usize>) -> i32 {
    std::process::id() as i32
}

/// As [`ran_in()`], never in the client.
#[multicore::task(isolate)]
pub fn ran_isolated(_range: Range<usize>) -> i32 {
    std::process::id() as i32
}

/// Calls made by a call: where they ran, and what came out.
#[multicore::task]
pub fn nested() -> (i32, Vec<i32>, u64, Vec<i32>) {
    let one = whoami::call().get().unwrap();
    let mut task = multicore::Task::new();
    for _ in 0..3 {
        task.run(whoami::call()).unwrap();
    }
    let sum = multicore::par_ranges!([1, 2, 3], sum).unwrap().into_iter().sum();
    let own_pool = multicore::Pool::builder().workers(2).build().unwrap();
    let own = vec![own_pool.spawn(whoami::call()).unwrap().get().unwrap()];
    (one, task.get().unwrap(), sum, own)
}

/// A nested call that asks for what cannot be had inline.
#[multicore::task]
pub fn nested_with_timeout() -> String {
    match nap::call(1).timeout(Duration::from_secs(9)).get() {
        Err(multicore::Error::Refused { why, .. }) => why,
        other => format!("not refused: {other:?}"),
    }
}

/// What a worker finds on its standard input.
#[multicore::task]
pub fn read_stdin() -> Vec<u8> {
    let mut found = Vec::new();
    std::io::stdin().read_to_end(&mut found).unwrap();
    found
}

// ---- faults ----

/// A panic with a literal.
#[multicore::task]
pub fn panic_literal() -> u64 {
    panic!("a literal")
}

/// A panic with a `String`.
#[multicore::task]
pub fn panic_text(text: &str) -> u64 {
    panic!("made of {text}")
}

/// A panic with something else.
#[multicore::task]
pub fn panic_number() -> u64 {
    std::panic::panic_any(42u64)
}

/// A panic in a thread that the function starts; without a word on standard error.
#[multicore::task]
pub fn panic_in_thread() -> String {
    match thread::spawn(|| std::panic::resume_unwind(Box::new("below"))).join() {
        Ok(()) => String::new(),
        Err(payload) => (*payload.downcast_ref::<&str>().unwrap_or(&"?")).to_owned(),
    }
}

/// Goes over to its parent's group, and takes its time.
#[multicore::task]
pub fn change_group(milliseconds: u64) {
    nix::unistd::setpgid(nix::unistd::Pid::from_raw(0), nix::unistd::getppid()).unwrap();
    thread::sleep(Duration::from_millis(milliseconds));
}

/// Leaves in the middle.
#[multicore::task]
pub fn leave(code: i32) -> u64 {
    std::process::exit(code)
}

/// Aborts.
#[multicore::task]
pub fn abort() -> u64 {
    std::process::abort()
}

/// Runs out of stack.
#[multicore::task]
pub fn overflow() -> u64 {
    #[allow(unconditional_recursion, reason = "that is the fault")]
    fn deeper(n: u64) -> u64 {
        let room = std::hint::black_box([n; 64]);
        deeper(n + 1) + room[0]
    }
    deeper(0)
}

/// Ends itself by a signal.
#[multicore::task]
pub fn raise(signal: i32) -> u64 {
    let signal = nix::sys::signal::Signal::try_from(signal).unwrap();
    nix::sys::signal::kill(nix::unistd::Pid::this(), signal).unwrap();
    loop {
        thread::sleep(Duration::from_secs(1));
    }
}

/// Has its own time limit.
#[multicore::task(timeout = "200ms")]
pub fn limited(milliseconds: u64) -> u64 {
    nap(milliseconds)
}

/// Sees no SIGTERM.
#[multicore::task]
pub fn stubborn(path: &str) -> u64 {
    wild::ignore_sigterm();
    announce(path, 600_000)
}

/// Starts a process and waits for it; says in a file which.
#[multicore::task]
pub fn breed(path: &str) -> u64 {
    let mut child = Command::new("sleep").arg("600").spawn().unwrap();
    write_whole(path, &child.id().to_string());
    child.wait().unwrap();
    0
}

/// Ends itself unless the file says that it did so before, so often.
#[multicore::task(retries = 2)]
pub fn dies_at_first(path: &str, times: usize) -> usize {
    dies(path, times)
}

/// As [`dies_at_first()`], with no retries of its own.
#[multicore::task]
pub fn dies(path: &str, times: usize) -> usize {
    let tried = fs::read_to_string(path).unwrap_or_default().len();
    if tried < times {
        write_whole(path, &"x".repeat(tried + 1));
        std::process::abort();
    }
    tried
}

/// A value in a value in a value.
#[derive(Debug, Serialize, Deserialize)]
pub struct Nested(Option<Box<Nested>>);

impl Nested {
    /// So many in one another.
    pub fn of(depth: usize) -> Nested {
        (1..depth).fold(Nested(None), |inner, _| Nested(Some(Box::new(inner))))
    }

    /// How many are in one another.
    pub fn depth(&self) -> usize {
        1 + self.0.as_ref().map_or(0, |inner| inner.depth())
    }
}

/// Gives a deep value.
#[multicore::task]
pub fn nest(depth: usize) -> Nested {
    Nested::of(depth)
}

/// Takes a deep value.
#[multicore::task]
pub fn depth(value: Nested) -> usize {
    value.depth()
}

/// Writes to a descriptor that the client knows by this number.
#[multicore::task]
pub fn write_to(descriptor: i32, text: &str) -> bool {
    fs::OpenOptions::new()
        .write(true)
        .open(format!("/proc/self/fd/{descriptor}"))
        .and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()))
        .is_ok()
}

/// Types that do what they say at the wrong moment.
macro_rules! bad_types {
    ($($name:ident, $take:ident, $make:ident: $what:literal, $serialize:expr, $deserialize:expr;)*) => {$(
        #[doc = $what]
        #[derive(Debug, PartialEq, Eq)]
        pub struct $name(pub u64);

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                let serialize: fn(u64) -> Result<u64, &'static str> = $serialize;
                serialize(self.0).map_err(serde::ser::Error::custom)?.serialize(to)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let deserialize: fn(u64) -> Result<u64, &'static str> = $deserialize;
                deserialize(u64::deserialize(from)?).map_err(serde::de::Error::custom).map($name)
            }
        }

        #[doc = concat!("Takes a value that ", $what)]
        #[multicore::task]
        pub fn $take(value: $name) -> u64 {
            value.0
        }

        #[doc = concat!("Gives a value that ", $what)]
        #[multicore::task]
        pub fn $make(n: u64) -> $name {
            $name(n)
        }
    )*};
}

bad_types! {
    FailsInSerialize, take_fails_ser, make_fails_ser: "fails in `Serialize`.",
        |_| Err("no way out"), Ok;
    FailsInDeserialize, take_fails_de, make_fails_de: "fails in `Deserialize`.",
        Ok, |_| Err("no way in");
    PanicsInSerialize, take_panics_ser, make_panics_ser: "panics in `Serialize`.",
        |_| panic!("on the way out"), Ok;
    PanicsInDeserialize, take_panics_de, make_panics_de: "panics in `Deserialize`.",
        Ok, |_| panic!("on the way in");
}

/// Panics in `Drop`, in a worker only.
#[derive(Debug, Serialize, Deserialize)]
pub struct PanicsInDrop {
    /// Where it was made.
    pub home: u32,
}

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        if self.home != std::process::id() && !thread::panicking() {
            panic!("dropped away from home");
        }
    }
}

/// Drops its argument.
#[multicore::task]
pub fn drops(value: PanicsInDrop) -> u64 {
    drop(value);
    0
}

/// What a start hook opened for the tasks, where the variable names it.
static OPENED: OnceLock<fs::File> = OnceLock::new();

/// The content of what the start hook opened.
#[multicore::task]
pub fn read_opened() -> Option<String> {
    let mut text = String::new();
    (&mut OPENED.get()?).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Opens a file, and leaves a thread running, where variables say so.
#[multicore::worker_start]
fn set_up() {
    if let Ok(path) = std::env::var("MULTICORE_TEST_OPEN_EARLY") {
        let _ = OPENED.set(fs::File::open(path).unwrap());
    }
    if std::env::var_os("MULTICORE_TEST_EARLY_THREAD").is_some() {
        thread::spawn(|| thread::sleep(Duration::from_secs(600)));
    }
}

/// Where a variable names a gate, the first worker to get there waits for somebody who opens it.
#[multicore::worker_start]
fn wait_at_gate() {
    let Ok(gate) = std::env::var("MULTICORE_TEST_GATE") else { return };
    if fs::File::create_new(format!("{gate}-taken")).is_ok() {
        drop(fs::File::open(gate));
    }
}

/// Fails in a worker's start hook where the variable says so; or changes the user; or leaves a thread that
/// aborts a little later.
#[multicore::worker_start]
fn start_hook() -> Result<(), String> {
    if let Ok(user) = std::env::var("MULTICORE_TEST_HOOK_USER") {
        wild::become_user(user.parse().expect("a user's number"));
    }
    if std::env::var_os("MULTICORE_TEST_ABORTS_LATER").is_some() {
        thread::spawn(|| {
            thread::sleep(Duration::from_millis(2));
            std::process::abort()
        });
    }
    match std::env::var("MULTICORE_TEST_START_HOOK") {
        Ok(why) => Err(why),
        Err(_) => Ok(()),
    }
}

/// One item of a job that leaves a trace.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// Where to note what was done.
    pub path: String,
    /// Which item it is.
    pub number: u64,
    /// How long it takes.
    pub milliseconds: u64,
}

/// Notes the begin and the end of a chunk of one job; panics at 7 and 13.
#[multicore::task]
pub fn work(chunk: &[Job]) -> u64 {
    let [Job { path, number, milliseconds }] = chunk else { panic!("{} jobs in one chunk", chunk.len()) };
    note(path, *number);
    thread::sleep(Duration::from_millis(*milliseconds));
    note(path, *number);
    assert!(![7, 13].contains(number), "unlucky {number}");
    *number
}

/// Takes its time for each position.
#[multicore::task]
pub fn naps(start: usize, end: usize) -> usize {
    thread::sleep(Duration::from_millis((end - start) as u64));
    end - start
}

/// How many bytes each chunk has.
#[multicore::task]
pub fn sizes(chunk: &[Vec<u8>]) -> usize {
    chunk.iter().map(Vec::len).sum()
}

/// Notes a worker's end where the variable says.
#[multicore::worker_exit]
fn exit_hook() {
    if let Ok(path) = std::env::var("MULTICORE_TEST_EXIT_HOOK") {
        note(&path, 1);
    }
}
