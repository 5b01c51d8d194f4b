//! Task functions for `map_reduce!` and `tree_reduce`.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use multicore::map_reduce;

/// Words that look random, and are the same each time; some are common.
pub fn words_of(input: u64) -> impl Iterator<Item = (String, u64)> {
    (0..200).map(move |n| {
        let mixed = (input * 200 + n + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let word = (mixed >> 40) % 1000;
        (format!("word {}", word * word / 1000), 1)
    })
}

/// A map task.
#[multicore::task]
pub fn words(input: u64) -> Vec<(String, u64)> {
    words_of(input).collect()
}

/// A map task that refuses, panics and dies, of 1000, 2000 and 3000.
#[multicore::task]
pub fn bad_words(input: u64) -> Result<Vec<(String, u64)>, String> {
    match input {
        1000..2000 => Err(format!("{input} is too much")),
        2000..3000 => panic!("{input}"),
        3000.. => std::process::abort(),
        _ => Ok(words_of(input).collect()),
    }
}

/// A map task that never returns.
#[multicore::task]
pub fn hang(_input: u64) -> Vec<(String, u64)> {
    std::thread::sleep(Duration::from_secs(600));
    Vec::new()
}

/// A map task that dies once, of its fiftieth input, when it has written something.
#[multicore::task]
pub fn first_dies(input: (String, u64)) -> Vec<(String, u64)> {
    let (note, input) = input;
    if input == 50 && !Path::new(&note).exists() {
        File::create(&note).expect("a folder for notes");
        std::process::abort();
    }
    words_of(input).collect()
}

/// A combiner, and a reduce task.
#[multicore::task]
pub fn add(a: u64, b: u64) -> u64 {
    a + b
}

/// A reduce task that takes what it is given.
#[multicore::task]
pub fn total(_word: String, counts: Vec<u64>) -> u64 {
    counts.into_iter().sum()
}

/// A reduce task that dies.
#[multicore::task]
pub fn dying_total(word: &str, _counts: &[u64]) -> u64 {
    if word == "word 0" { std::process::abort() } else { 0 }
}

/// A reduce task that panics.
#[multicore::task]
pub fn panicking_total(word: &String, _counts: &[u64]) -> u64 {
    panic!("no total of {word}")
}

/// A map task whose pairs are an `Option`.
#[multicore::task]
pub fn remainder(input: u64) -> Option<(u64, u64)> {
    Some((input % 7, input))
}

/// A map task whose values grow when they are combined.
#[multicore::task]
pub fn spell(input: u64) -> [(u64, String); 1] {
    [(input % 7, format!("{input} "))]
}

/// A map task whose keys are distinct.
#[multicore::task]
pub fn tell(input: u64) -> BTreeMap<u64, u64> {
    BTreeMap::from([(input, input)])
}

/// A reduce task that shows its values.
#[multicore::task]
pub fn list(_key: &u64, values: &[u64]) -> Vec<u64> {
    values.to_vec()
}

/// A reduce task that counts its values.
#[multicore::task]
pub fn longest(_key: u64, values: Vec<u64>) -> usize {
    values.len()
}

/// Associative, and does not commute.
#[multicore::task]
pub fn concatenate(a: String, b: String) -> String {
    a + &b
}

/// A number as text.
#[multicore::task]
pub fn text(n: u64) -> String {
    format!("{n} ")
}

/// As [`concatenate()`], and of a certain text it panics.
#[multicore::task]
pub fn careful(a: String, b: String) -> String {
    assert!(!b.starts_with("13 "), "an unlucky number");
    a + &b
}

/// Divides and brings together inside of a worker.
#[multicore::task]
pub fn nested(inputs: u64) -> BTreeMap<String, u64> {
    let counts = map_reduce!(0..inputs, map = words, combine = add, reduce = add, memory = 2000);
    let counts: BTreeMap<_, _> = counts.expect("it runs here").collect::<Result<_, _>>().expect("readable");
    let sum: u64 = counts.values().sum();
    let folded = multicore::tree_reduce::<add>((0..inputs).map(|_| add::call(100, 100)));
    assert_eq!(folded.expect("it runs here"), Some(sum));
    counts
}

/// A map task that waits for ever once a file of the client's has something in it, and says so.
#[multicore::task]
pub fn hang_after_some(input: (String, u64)) -> Vec<(String, u64)> {
    let (folder, input) = input;
    let open = |fd: std::io::Result<std::fs::DirEntry>| {
        let path = fd.ok()?.path();
        let target = std::fs::read_link(&path).ok()?;
        let length = std::fs::metadata(&path).ok()?.len();
        (target.to_string_lossy().starts_with(&folder) && length > 0).then_some(())
    };
    if std::fs::read_dir("/proc/self/fd").expect("/proc").any(|fd| open(fd).is_some()) {
        println!("written");
        std::thread::sleep(Duration::from_secs(600));
    }
    words_of(input).collect()
}
