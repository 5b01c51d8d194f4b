//! The shapes of map and reduce tasks, and the options, in a crate that denies every warning.
#![deny(warnings)]
#![forbid(unsafe_code, nonstandard_style, unused, missing_docs)]

use std::collections::{BTreeMap, HashMap};
use std::num::ParseIntError;
use std::path::Path;
use std::time::Duration;

use multicore::{Pool, map_reduce};

#[multicore::task]
fn digits(n: u32) -> HashMap<char, u64> {
    n.to_string().chars().map(|digit| (digit, 1)).collect()
}

#[multicore::task(error = "text")]
fn parse(text: String) -> Result<Vec<(u64, String)>, ParseIntError> {
    let number: u64 = text.parse()?;
    Ok(vec![(number % 2, text)])
}

mod deep {
    #[multicore::task]
    pub(crate) fn add(a: u64, b: u64) -> u64 {
        a + b
    }
}

#[multicore::task]
fn owned(digit: char, counts: Vec<u64>) -> (char, usize) {
    (digit, counts.len())
}

#[multicore::task]
fn lent(digit: &char, counts: &[u64]) -> Result<u64, String> {
    if digit.is_ascii_digit() { Ok(counts.iter().sum()) } else { Err("no digit".to_owned()) }
}

#[multicore::task]
fn join(parity: u64, texts: Vec<String>) -> String {
    format!("{parity}: {}", texts.join(" "))
}

#[multicore::task]
fn join_words(word: &str, parts: &[String]) -> String {
    format!("{word}{}", parts.len())
}

#[multicore::task]
fn parts(text: String) -> [(String, String); 2] {
    [(text[..1].to_owned(), text.clone()), (text[1..2].to_owned(), text)]
}

fn main() -> multicore::Result<()> {
    let a: BTreeMap<char, u64> =
        map_reduce!([12, 23, 34], map = digits, combine = deep::add, reduce = deep::add)?.collect::<multicore::Result<_>>()?;
    assert_eq!(a, BTreeMap::from([('1', 1), ('2', 2), ('3', 2), ('4', 1)]));
    let pool = Pool::builder().workers(1).build()?;
    let b = map_reduce!(
        vec![12, 23],
        map = digits,
        combine = deep::add,
        reduce = owned,
        partitions = 2,
        workers = 1,
        memory = 1 << 20,
        timeout = Duration::from_secs(60),
        retries = 1,
        folder = Path::new("/tmp"),
        pool = &pool,
    )?;
    assert_eq!(b.len(), 3);
    assert_eq!(b.map(|pair| pair.unwrap().1).collect::<Vec<_>>(), [('1', 1), ('2', 1), ('3', 1)]);
    let mut c = map_reduce!(0..100, map = digits, reduce = lent)?;
    assert_eq!(c.next().unwrap()?, ('0', Ok(10)));
    let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let d = map_reduce!(texts(&["1", "2", "3"]), map = parse, reduce = join)?.unwrap();
    assert_eq!(d.map(|pair| pair.unwrap().1).collect::<Vec<_>>(), ["0: 2", "1: 1 3"]);
    let e = map_reduce!(texts(&["1", "x", "y"]), map = parse, reduce = join)?.unwrap_err();
    assert_eq!(e.to_string(), "invalid digit found in string");
    let f = map_reduce!(texts(&["ab", "bc"]), map = parts, reduce = join_words)?;
    assert_eq!(f.map(|pair| pair.unwrap().1).collect::<Vec<_>>(), ["a1", "b2", "c1"]);
    let sums = (0..4).map(|n| deep::add::call(n, n));
    assert_eq!(multicore::tree_reduce::<deep::add>(sums)?, Some(12));
    Ok(())
}
