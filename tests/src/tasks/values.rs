//! Arguments and results of every kind.

use serde::{Deserialize, Serialize};

use crate::payload;

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
