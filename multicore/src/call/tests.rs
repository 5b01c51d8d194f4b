//! Calls from their arguments to their results, without a process in between.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

use bytemuck::{Pod, Zeroable};

use super::*;
use crate::error::TextError;

/// What client and worker do with a call, one after the other.
fn through_worker<R>(call: Call<'_, R>) -> Result<R, Failure> {
    traced(call).map(|(result, _)| result)
}

/// As [`through_worker`], with how many bytes the arguments and the result took.
fn traced<R>(call: Call<'_, R>) -> Result<(R, [usize; 2]), Failure> {
    let limit = 1 << 30;
    let mut sent = Vec::new();
    let mut out = WindowWriter::new(&mut sent, limit);
    call.body.encode(call.codec, &mut out)?;
    let len = out.needed();
    // A window starts at a multiple of 16; a vector of bytes may not.
    let mut aligned = vec![0_u128; len.div_ceil(16)];
    bytemuck::cast_slice_mut(&mut aligned)[..len].copy_from_slice(&sent[..len]);
    let mut answered = Vec::new();
    let mut results = WindowWriter::new(&mut answered, limit);
    let arguments = &bytemuck::cast_slice(&aligned)[..len];
    let (codec, shared) = (call.codec, &Borrowed::default());
    (call.entry.run)(Invocation { arguments, codec, shared, results: &mut results })?;
    let answer = results.needed();
    let result = (call.decode)(Reply { codec, payload: Payload::of(&answered[..answer]) })?;
    Ok((result, [len, answer]))
}

/// Plain-old-data that serde does not know.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(transparent)]
struct Pixel([u8; 4]);

// SAFETY: [plain] transparent over bytes, which may all be zero.
unsafe impl Zeroable for Pixel {}
// SAFETY: [plain] transparent over bytes, which have no padding and no invalid value.
unsafe impl Pod for Pixel {}

#[multicore::task]
fn nothing() {}

#[multicore::task]
fn join(words: &[String], separator: &str, count: &usize, end: Option<String>) -> String {
    words[..*count].join(separator) + end.as_deref().unwrap_or_default()
}

#[multicore::task]
fn brighten(pixels: &[Pixel], by: u8) -> Vec<Pixel> {
    pixels.iter().map(|pixel| Pixel(pixel.0.map(|value| value.saturating_add(by)))).collect()
}

#[multicore::task]
fn reversed(mut bytes: Vec<u8>) -> Vec<u8> {
    bytes.reverse();
    bytes
}

#[multicore::task]
fn double(values: Vec<u64>) -> Vec<u64> {
    values.into_iter().map(|value| value * 2).collect()
}

#[multicore::task]
fn units(units: Vec<()>) -> Vec<()> {
    units
}

#[multicore::task]
fn count(text: String) -> BTreeMap<char, usize> {
    text.chars().fold(BTreeMap::new(), |mut counts, letter| {
        *counts.entry(letter).or_default() += 1;
        counts
    })
}

#[multicore::task]
fn checked(text: &str) -> Result<u32, String> {
    text.parse().map_err(|error| format!("{error}"))
}

#[multicore::task]
fn cow(text: Cow<'static, str>) -> usize {
    text.len()
}

#[test]
fn arguments_and_results_of_every_kind_come_through() {
    through_worker(nothing::call()).unwrap();
    let words = ["a".to_owned(), "b".to_owned(), "c".to_owned()];
    assert_eq!(through_worker(join::call(&words, "-", &2, Some("!".to_owned()))).unwrap(), "a-b!");
    let pixels = [Pixel([1, 2, 3, 255]); 1000];
    assert_eq!(through_worker(brighten::call(&pixels, 1)).unwrap(), [Pixel([2, 3, 4, 255]); 1000]);
    assert_eq!(through_worker(reversed::call(vec![1, 2, 3])).unwrap(), [3, 2, 1]);
    assert_eq!(through_worker(reversed::call(vec![])).unwrap(), [0_u8; 0]);
    assert_eq!(through_worker(double::call(vec![1, 2])).unwrap(), [2, 4]);
    assert_eq!(through_worker(units::call(vec![(); 3])).unwrap(), [(); 3]);
    assert_eq!(through_worker(count::call("aab".to_owned())).unwrap(), BTreeMap::from([('a', 2), ('b', 1)]));
    assert_eq!(through_worker(checked::call("7")).unwrap(), Ok(7));
    assert_eq!(through_worker(checked::call("x")).unwrap(), Err("invalid digit found in string".to_owned()));
    assert_eq!(through_worker(cow::call("text".into())).unwrap(), 4);
}

#[test]
fn plain_arguments_and_results_are_not_taken_apart() {
    let mut sent = Vec::new();
    let mut out = WindowWriter::new(&mut sent, 1 << 20);
    reversed::call(vec![7; 1000]).body.encode(Codec::Raw, &mut out).unwrap();
    assert_eq!(out.needed(), 1000);
    let mut out = WindowWriter::new(&mut sent, 1 << 20);
    brighten::call(&[Pixel([0; 4]); 100], 1).body.encode(Codec::Bincode, &mut out).unwrap();
    assert_eq!(out.needed(), 16 + 400 + 1);
}

#[multicore::task]
fn tail(values: &[u64]) -> &[u64] {
    &values[1..]
}

#[multicore::task]
fn word<'a>(text: &'a str, _other: &str) -> &'a str {
    text.split(' ').next().unwrap_or_default()
}

#[multicore::task]
fn dark(pixels: &[Pixel]) -> &[Pixel] {
    &pixels[..1]
}

#[multicore::task]
fn later<'a>(words: &'a [String], from: &usize) -> &'a [String] {
    &words[*from..]
}

#[test]
fn what_a_function_borrows_from_its_arguments_is_copied_for_the_caller() {
    let words = ["a".to_owned(), "bc".to_owned()];
    assert_eq!(through_worker(later::call(&words, &1)).unwrap(), ["bc"]);
    assert_eq!(later::call(&words, &1).body.run(), ["bc"]);
    assert_eq!(through_worker(dark::call(&[Pixel([1; 4]), Pixel([2; 4])])).unwrap(), [Pixel([1; 4])]);
    for codec in codecs() {
        assert_eq!(through_worker(tail::call(&[1, 2, 3]).codec(codec)).unwrap(), [2, 3], "{codec:?}");
        if codec != Codec::Raw {
            assert_eq!(through_worker(word::call("so it is", "").codec(codec)).unwrap(), "so", "{codec:?}");
        }
    }
    assert_eq!((tail::call(&[1]).body.run(), word::call("a b", "").body.run()), (vec![], "a".to_owned()));
}

fn codecs() -> Vec<Codec> {
    vec![
        Codec::Bincode,
        #[cfg(feature = "json")]
        Codec::Json,
        Codec::Raw,
    ]
}

#[test]
fn bytes_text_and_plain_values_are_copied_in_one_piece_as_arguments_and_results() {
    fn sizes<R>(call: Call<'_, R>) -> [usize; 2] {
        traced(call).unwrap().1
    }
    // A count, padding to the alignment, and the values' own bytes; and those alone.
    let (text, values) = ("x".repeat(1000), vec![7_u64; 125]);
    assert_eq!(sizes(reversed::call(vec![1; 1000])), [1016, 1000]);
    assert_eq!(sizes(double::call(values.clone())), [1016, 1000]);
    assert_eq!(sizes(tail::call(&values)), [1016, 992]);
    assert_eq!(sizes(dark::call(&[Pixel([0; 4]); 250])), [1016, 4]);
    assert_eq!(sizes(word::call(&text, "")), [1024, 1000]);
    assert_eq!(sizes(loud::call(text)), [1016, 1000]);
}

#[multicore::task]
fn loud(text: String) -> String {
    text.to_uppercase()
}

#[multicore::task(codec = "raw")]
fn shout(text: &str) -> String {
    text.to_uppercase()
}

#[test]
fn raw_carries_one_plain_argument_and_result_and_refuses_the_rest() {
    assert_eq!(through_worker(shout::call("so")).unwrap(), "SO");
    assert_eq!(through_worker(double::call(vec![1, 2]).codec(Codec::Raw)).unwrap(), [2, 4]);
    refused(nothing::call().codec(Codec::Raw), "the task has 0");
    refused(brighten::call(&[], 1).codec(Codec::Raw), "the task has 2");
    refused(count::call(String::new()).codec(Codec::Raw), "a result of bytes, text or plain-old-data alone");
    refused(cow::call("".into()).codec(Codec::Raw), "a result of bytes");
}

fn refused<R: fmt::Debug>(call: Call<'_, R>, why: &str) {
    match through_worker(call) {
        Err(Failure::Encode(text)) => assert!(text.contains(why), "{text}"),
        other => panic!("{other:?}"),
    }
}

#[cfg(feature = "json")]
#[test]
fn json_carries_what_serde_knows() {
    assert_eq!(through_worker(reversed::call(vec![1, 2, 3]).codec(Codec::Json)).unwrap(), [3, 2, 1]);
    assert_eq!(through_worker(checked::call("7").codec(Codec::Json)).unwrap(), Ok(7));
    refused(brighten::call(&[], 1).codec(Codec::Json), "json");
}

#[test]
fn bytes_left_over_are_an_error() {
    let mut results = Vec::new();
    let mut out = WindowWriter::new(&mut results, 1 << 20);
    let invocation = Invocation {
        arguments: &[0; 16],
        codec: Codec::Bincode,
        shared: &Borrowed::default(),
        results: &mut out,
    };
    assert!(
        matches!((nothing::entry().run)(invocation), Err(Failure::Decode(why)) if why.contains("16 bytes"))
    );
}

#[test]
fn too_large_arguments_say_what_all_of_them_need() {
    let mut sent = Vec::new();
    let mut out = WindowWriter::new(&mut sent, 100);
    let words: Vec<String> = vec![];
    let text = "x".repeat(1000);
    let call = join::call(&words, &text, &1, Some("y".repeat(1000)));
    match call.body.encode(Codec::Bincode, &mut out) {
        Err(Failure::TooLarge { need, limit: 100 }) => assert!(need > 2000, "{need}"),
        other => panic!("{other:?}"),
    }
}

#[derive(Debug)]
struct Outer(std::num::ParseIntError);

impl fmt::Display for Outer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bad number")
    }
}

impl std::error::Error for Outer {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

#[multicore::task(error = "text")]
fn typed(text: &str) -> Result<u32, Outer> {
    text.parse().map_err(Outer)
}

#[multicore::task(error = "text")]
fn boxed(text: &str) -> Result<u32, Box<dyn std::error::Error>> {
    Ok(typed(text)?)
}

#[multicore::task(error = "text")]
fn send_boxed(text: &str) -> Result<Vec<u32>, Box<dyn std::error::Error + Send + Sync>> {
    Ok(vec![typed(text)?])
}

#[test]
fn errors_come_back_as_text_with_their_causes() {
    let chain = vec!["bad number".to_owned(), "invalid digit found in string".to_owned()];
    let expected = TextError { chain };
    assert_eq!(through_worker(typed::call("1")).unwrap(), Ok(1));
    assert_eq!(through_worker(typed::call("x")).unwrap(), Err(expected.clone()));
    assert_eq!(through_worker(boxed::call("x")).unwrap(), Err(expected.clone()));
    assert_eq!(through_worker(send_boxed::call("x")).unwrap(), Err(expected.clone()));
    assert_eq!(boxed::call("x").body.run(), Err(expected));
}

#[multicore::task(name = "call.tests.limited", timeout = "1500ms", retries = 3, isolate)]
fn limited(first: u32, second: u32) -> u32 {
    first - second
}

#[test]
fn options_of_the_task_are_a_calls_until_it_has_its_own() {
    let call = limited::call(3, 1);
    assert_eq!(call.name(), "call.tests.limited");
    assert_eq!((call.timeout, call.retries, call.isolate), (Some(Duration::from_millis(1500)), 3, true));
    let call = call.timeout(Duration::from_secs(1)).retries(0);
    assert_eq!((call.timeout, call.retries), (Some(Duration::from_secs(1)), 0));
    assert!(format!("{call:?}").starts_with("Call { task: \"call.tests.limited\""));
    assert_eq!(call.body.run(), 2);
    assert!(nothing::call().isolate().isolate);
}
