//! The fault table: what is documented, what there is, and what happens.

use std::collections::BTreeSet;

use multicore_tests::endure::faults::{FAULTS, GONE, RESULT};
use multicore_tests::fixture::Fixture;
use multicore_tests::watch::within;

const DOCUMENTED: &str = include_str!("../../multicore/src/faults.md");
const SOURCE: &str = include_str!("../../multicore/src/error.rs");

/// The documented rows as cells, without backquotes; the words in backquotes of the second cell beside.
fn rows() -> Vec<(String, BTreeSet<&'static str>)> {
    let rows = DOCUMENTED.lines().filter(|line| line.starts_with('|')).skip(2);
    let row = |line: &'static str| {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [what, caller, _pool] = cells[..] else { panic!("not three cells: {line}") };
        (what.replace('`', ""), caller.split('`').skip(1).step_by(2).collect())
    };
    rows.map(row).collect()
}

/// The variants of `Error`, as the source has them.
fn variants() -> BTreeSet<&'static str> {
    let (_, body) = SOURCE.split_once("pub enum Error {").expect("the enum");
    let (body, _) = body.split_once("\n}").expect("its end");
    let variant = |line: &'static str| {
        let line = line.strip_prefix("    ")?;
        line.starts_with(char::is_uppercase).then(|| line.split([' ', ',', '(']).next())?
    };
    body.lines().filter_map(variant).collect()
}

#[test]
fn the_fault_table_names_every_error_and_no_other() {
    let named: BTreeSet<_> = rows().into_iter().flat_map(|(_, words)| words).collect();
    let variants = variants();
    assert!(variants.len() >= 15, "{variants:?}");
    assert_eq!(variants.difference(&named).collect::<Vec<_>>(), Vec::<&&str>::new(), "not in the table");
    let words = named.iter().filter(|word| word.chars().all(char::is_alphanumeric));
    let unknown: Vec<_> = words.filter(|word| !variants.contains(*word)).collect();
    assert_eq!(unknown, Vec::<&&str>::new(), "no variants of `Error`");
}

#[test]
fn every_row_of_the_fault_table_is_observed_and_nothing_else() {
    let rows = rows();
    for (what, _) in &rows {
        assert!(FAULTS.iter().any(|fault| fault.row == what), "never observed: {what}");
    }
    for fault in &FAULTS {
        let row = rows.iter().find(|(what, _)| what == fault.row);
        let (_, caller) = row.unwrap_or_else(|| panic!("not documented: {}", fault.row));
        let nothing = [RESULT, GONE].contains(&fault.back);
        assert!(
            nothing || caller.contains(fault.back),
            "{}: {} is not what the table says",
            fault.row,
            fault.back
        );
    }
}

#[test]
fn every_row_of_the_fault_table_comes_true_under_both_start_methods() {
    let arguments = ["table", "--times", "0.01"];
    let ended = within(600, || Fixture::new(env!("CARGO_BIN_EXE_endure"), &arguments).run());
    assert!(ended.status.success(), "{}{}", ended.stdout, ended.stderr);
    assert!(ended.stdout.ends_with("\nall of it holds\n"), "{}", ended.stdout);
}

#[test]
fn a_subject_that_does_not_exist_is_refused_with_those_that_do() {
    for wrong in [&["everything"][..], &["--times"], &["--times", "0"], &["--seconds", "-1"]] {
        let ended = within(60, || Fixture::new(env!("CARGO_BIN_EXE_endure"), wrong).run());
        assert_eq!(ended.status.code(), Some(2), "{wrong:?}: {ended:?}");
        assert!(ended.stdout.is_empty() && !ended.stderr.is_empty(), "{ended:?}");
    }
    let ended = Fixture::new(env!("CARGO_BIN_EXE_endure"), &["everything"]).run();
    assert!(ended.stderr.contains("everything") && ended.stderr.contains("chaos"), "{ended:?}");
}
