//! Task functions of every kind.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io::Write;
use std::ops::Range;
use std::path::Path;
use std::thread;
use std::time::Duration;

use multicore::Shared;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[multicore::task]
pub(crate) fn square(n: u64) -> u64 {
    n * n
}

#[multicore::task]
pub(crate) fn nothing() {}

#[multicore::task]
pub(crate) fn shout(text: &str) -> String {
    text.to_uppercase()
}

#[multicore::task]
pub(crate) fn echo(bytes: &[u8]) -> Vec<u8> {
    bytes.to_vec()
}

#[multicore::task]
pub(crate) fn hand_back(bytes: &[u8]) -> &[u8] {
    bytes
}

#[multicore::task(codec = "raw")]
pub(crate) fn double(numbers: Vec<f64>) -> Vec<f64> {
    numbers.into_iter().map(|n| 2.0 * n).collect()
}

#[multicore::task]
pub(crate) fn zeroes(len: usize) -> Vec<u8> {
    vec![0; len]
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) age: Option<u8>,
    pub(crate) friends: Vec<Person>,
}

#[multicore::task]
pub(crate) fn befriend(person: &Person, friend: Person, times: (u8, char)) -> (Person, (u8, char)) {
    let mut person = person.clone();
    person.friends.push(friend);
    (person, times)
}

#[multicore::task]
pub(crate) fn half(n: u64) -> Result<u64, String> {
    if n.is_multiple_of(2) { Ok(n / 2) } else { Err(format!("{n} is odd")) }
}

#[multicore::task(error = "text")]
pub(crate) fn parse(text: &str) -> Result<i32, Box<dyn std::error::Error>> {
    Ok(text.parse()?)
}

/// Panics on what it is given.
#[multicore::task]
pub(crate) fn spill(what: &str) -> u64 {
    panic!("spilled {what}")
}

/// A value that does not encode, does not decode, or panics on the way, as its text says.
#[derive(Debug)]
pub(crate) struct Fragile(pub(crate) String);

impl Serialize for Fragile {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0.as_str() {
            "stays" => Err(serde::ser::Error::custom("it stays")),
            "bursts" => panic!("it burst"),
            text => serializer.serialize_str(text),
        }
    }
}

impl<'de> Deserialize<'de> for Fragile {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Fragile, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "breaks" { Err(D::Error::custom("it broke")) } else { Ok(Fragile(text)) }
    }
}

#[multicore::task]
pub(crate) fn handle_with_care(fragile: Fragile) -> usize {
    fragile.0.len()
}

#[multicore::task]
pub(crate) fn make_fragile(text: &str) -> Fragile {
    Fragile(text.to_owned())
}

/// Adds a line to a file.
#[multicore::task]
pub(crate) fn note(path: &str, line: u64) {
    let mut file = fs::OpenOptions::new().append(true).create(true).open(path).expect("a file");
    file.write_all(format!("{line}\n").as_bytes()).expect("a line");
}

/// Says that it is there, and waits until it may go on; whether it was asked to end.
#[multicore::task]
pub(crate) fn hold(here: &str, gate: &str) -> bool {
    multicore::breadcrumb(format_args!(
        "held by {}",
        Path::new(gate).file_name().unwrap_or_default().display()
    ));
    fs::write(here, "").expect("a file");
    while !Path::new(gate).exists() {
        if multicore::cancelled() {
            fs::write(format!("{here}.asked"), "").expect("a file");
            return true;
        }
        thread::sleep(Duration::from_millis(1));
    }
    false
}

/// Says how far it has come.
#[multicore::task]
pub(crate) fn walk(steps: u64) -> u64 {
    (0..steps).for_each(|step| multicore::progress(step, steps, "under way"));
    multicore::progress(steps, steps, "there");
    steps
}

#[multicore::task]
pub(crate) fn walk_and_hold(here: &str, gate: &str) -> bool {
    multicore::progress(1, 2, "half");
    hold(here, gate)
}

#[multicore::task]
pub(crate) fn is_cancelled() -> bool {
    multicore::cancelled()
}

/// Where a call runs.
#[multicore::task]
pub(crate) fn place() -> (u32, String) {
    (std::process::id(), format!("{:?}", thread::current().id()))
}

/// Where calls run that a call makes, by every way to make one; and what is refused there.
#[multicore::task]
pub(crate) fn nest() -> (Vec<(u32, String)>, u64, String) {
    let mut places = vec![place(), place::call().get().expect("a place")];
    let mut task = multicore::Task::new();
    (0..3).for_each(|_| task.run(place::call()).expect("room"));
    places.extend(task.get().expect("places"));
    let own = multicore::Pool::builder().workers(2).build().expect("a pool");
    places.push(own.spawn(place::call()).and_then(multicore::Handle::get).expect("a place"));
    let sums = multicore::par_ranges!([1, 2, 3], sum).expect("sums");
    let refused = square::call(1).timeout(Duration::from_secs(9)).get().expect_err("no worker has it");
    (places, sums.iter().sum(), refused.to_string())
}

#[multicore::task]
pub(crate) fn bounds(start: usize, end: usize) -> (usize, usize) {
    (start, end)
}

#[multicore::task]
pub(crate) fn range(range: Range<usize>) -> Range<usize> {
    range
}

#[multicore::task]
pub(crate) fn sum(chunk: &[u64]) -> u64 {
    chunk.iter().sum()
}

/// Panics at 3 and 5.
#[multicore::task]
pub(crate) fn unlucky(range: Range<usize>) -> usize {
    assert!(!range.contains(&3) && !range.contains(&5), "unlucky {}", range.start);
    range.start
}

/// Notes the begin and the end of each position.
#[multicore::task]
pub(crate) fn trace(chunk: &[(String, u64)]) -> u64 {
    for (path, number) in chunk {
        note(path, *number);
        thread::yield_now();
        note(path, *number);
    }
    chunk.len() as u64
}

#[multicore::task]
pub(crate) fn whole(data: Shared<[u64]>) -> u64 {
    data.iter().sum()
}

#[multicore::task]
pub(crate) fn tail(data: &Shared<[u64]>, from: usize) -> u64 {
    data[from..].iter().sum()
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Job {
    pub(crate) name: String,
    pub(crate) parts: Vec<Shared<[u64]>>,
}

#[multicore::task]
pub(crate) fn job(job: Job) -> (String, Vec<u64>) {
    (job.name, job.parts.iter().map(|part| part.iter().sum()).collect())
}

/// Waits, and only then reads.
#[multicore::task]
pub(crate) fn read_later(data: &[u64], here: &str, gate: &str) -> u64 {
    hold(here, gate);
    data.iter().sum()
}

#[multicore::task]
pub(crate) fn keep_shared(data: Shared<[u64]>) -> Option<Shared<[u64]>> {
    Some(data)
}

thread_local! {
    static BEGUN: Cell<u32> = const { Cell::new(0) };
    static AT_END: RefCell<Option<String>> = const { RefCell::new(None) };
}

#[multicore::worker_start]
fn begin() {
    BEGUN.set(BEGUN.get() + 1);
}

#[multicore::worker_exit]
fn end() {
    if let Some(path) = AT_END.take() {
        note(&path, 1);
    }
}

/// How often this worker has begun; has it note its end.
#[multicore::task]
pub(crate) fn begun(note_at_end: &str) -> u32 {
    AT_END.set(Some(note_at_end.to_owned()));
    BEGUN.get()
}
