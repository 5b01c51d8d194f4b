//! IDs, names and the table.

use super::*;
use crate::call::TaskFn;

#[multicore::task(name = "registry.tests.pinned")]
fn pinned(values: &[u8], text: Vec<String>) -> Option<(u8, String)> {
    Some((values[0], text[0].clone()))
}

mod one {
    #[multicore::task]
    pub(super) fn same() -> u32 {
        1
    }
}

mod two {
    #[multicore::task]
    pub(super) fn same() -> u32 {
        2
    }
}

#[test]
fn a_pinned_name_is_the_name_and_the_path_is_it_otherwise() {
    assert_eq!(pinned::name(), "registry.tests.pinned");
    assert_eq!(one::same::name(), "multicore::registry::tests::one::same");
    assert_eq!(pinned::signature(), "(&[u8], Vec<String>) -> Option<(u8, String)>");
    // Computed by hand over name and signature: the ID of a pinned name may never change.
    let expected = Fnv::new().text("registry.tests.pinned").text(pinned::signature()).0;
    assert_eq!(pinned::id(), expected);
}

#[test]
fn functions_of_one_name_have_ids_of_their_own() {
    fn first() -> u64 {
        #[multicore::task]
        fn inner() {}
        inner::id()
    }
    fn second() -> u64 {
        #[multicore::task]
        fn inner() {}
        inner::id()
    }
    assert_ne!(one::same::id(), two::same::id());
    assert_ne!(first(), second());
}

#[test]
fn every_task_is_found_by_its_id_and_listed_with_its_place() {
    let registry = registry().unwrap();
    assert!(std::ptr::eq(registry.find(pinned::id()).unwrap(), pinned::entry()));
    assert!(registry.find(0).is_none());
    let tasks = tasks().unwrap();
    let task = tasks.iter().find(|task| task.name == "registry.tests.pinned").unwrap();
    assert!(task.file.ends_with("registry/tests.rs"), "{}", task.file);
    assert_eq!((task.line, task.id), (7, pinned::id()));
}

fn entry(name: &'static str) -> &'static Entry {
    Box::leak(Box::new(Entry::new(Declared {
        name: Some(name),
        type_name: std::any::type_name::<()>,
        signature: "()",
        package: None,
        version: None,
        place: Location::caller(),
        timeout: None,
        retries: 0,
        isolate: false,
        codec: Codec::Bincode,
        run: |_| Ok(()),
    })))
}

#[test]
fn duplicates_are_refused_with_both_places_whatever_their_order() {
    let (a, b, c) = (entry("a"), entry("b"), entry("a"));
    let error = Registry::of([a, b, c].into_iter()).err().unwrap();
    assert_eq!(error, Registry::of([c, b, a].into_iter()).err().unwrap());
    assert!(error.starts_with("two tasks have the name `a`: one at "), "{error}");
    assert_eq!(error.matches("registry/tests.rs:").count(), 2, "{error}");

    let (one, two) = (entry("one"), entry("two"));
    two.id.store(one.id(), Ordering::Relaxed);
    let error = Registry::of([one, two].into_iter()).err().unwrap();
    assert!(error.starts_with("two tasks have the ID `"), "{error}");
}

#[test]
fn the_digest_depends_on_every_task_and_not_on_their_order() {
    let digest = |entries: &[&'static Entry]| Registry::of(entries.iter().copied()).unwrap().digest();
    let (a, b) = (entry("a"), entry("b"));
    assert_eq!(digest(&[a, b]), digest(&[b, a]));
    assert_ne!(digest(&[a, b]), digest(&[a]));
}

// Succeeds: the pool's own tests have workers in this binary.
#[multicore::worker_start]
fn start() -> Result<(), std::num::ParseIntError> {
    "1".parse::<u32>().map(|_| ())
}

#[multicore::worker_exit]
fn leave() {}

#[test]
fn hooks_are_listed_by_kind_and_say_why_they_fail() {
    let starts: Vec<_> = hooks(HookKind::Start).collect();
    let names: Vec<_> = starts.iter().map(|hook| hook.name).collect();
    assert_eq!(names, ["multicore::registry::tests::start"]);
    assert_eq!((starts[0].run)(), Ok(()));
    let failed = crate::private::hook_outcome("x".parse::<u32>().map(|_| ()));
    assert_eq!(failed, Err("invalid digit found in string".to_owned()));
    assert_eq!(hooks(HookKind::Exit).map(|hook| (hook.run)()).collect::<Vec<_>>(), [Ok(())]);
}
