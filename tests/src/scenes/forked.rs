//! What a forked child sees, and what comes back from it.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc;
use std::thread;

use multicore::{Error, Fork, Forked, Handle, fork};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::fixture::Folder;
use crate::procfs;
use crate::rig::Rig;
use crate::tasks::{self, FailsInDeserialize, FailsInSerialize, PanicsInDeserialize, PanicsInSerialize};
use crate::watch::eventually;

/// What a fork gave in the end.
pub(crate) fn joined<R: DeserializeOwned + 'static>(
    forked: multicore::Result<Forked<R>>,
) -> Result<R, Error> {
    forked.expect("a fork").join()
}

static LATER: AtomicU64 = AtomicU64::new(1);

/// What a worker sees of it.
#[multicore::task]
fn later() -> u64 {
    LATER.load(Ordering::SeqCst)
}

/// What was changed since the pool opened is seen in the child and not in a worker; what the child changes is
/// seen nowhere else.
pub fn a_child_sees_memory_as_it_is_now() {
    let rig = Rig::new(1);
    rig.check();
    LATER.store(2, Ordering::SeqCst);
    let mut list = vec![1, 2];
    let in_child = fork(|| {
        list.push(3);
        LATER.fetch_add(1, Ordering::SeqCst);
        (list.clone(), later())
    });
    assert_eq!(joined(in_child).unwrap(), (vec![1, 2, 3], 3));
    assert_eq!((list, later()), (vec![1, 2], 2));
    assert_eq!(rig.pool.spawn(later::call()).and_then(Handle::get).unwrap(), 1);
    rig.end();
}

/// A struct that serde knows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Page {
    title: String,
    lines: Vec<Option<String>>,
    size: (f64, i128),
}

/// Whatever its form on the way.
pub fn every_kind_of_result_comes_back() {
    fn check<R: Serialize + DeserializeOwned + Clone + PartialEq + std::fmt::Debug + 'static>(value: R) {
        assert_eq!(joined(fork(|| value.clone())).unwrap(), value);
    }
    check(());
    check(7u8);
    check(String::new());
    check("ä".repeat(100_000));
    check(Vec::<u8>::new());
    check((0..=255u8).cycle().take(300_001).collect::<Vec<_>>());
    check(vec![i8::MIN, -1, 0]);
    check(vec![u16::MAX, 0]);
    check(vec![i16::MIN, 0]);
    check(vec![u32::MAX, 0]);
    check(vec![i32::MIN, 0]);
    check((0..100_000u64).collect::<Vec<_>>());
    check(vec![i64::MIN, 0]);
    check(vec![u128::MAX, 0]);
    check(vec![i128::MIN, 0]);
    check(vec![usize::MAX, 0]);
    check(vec![isize::MIN, 0]);
    check(vec![f32::MIN, f32::INFINITY]);
    check(vec![f64::MIN_POSITIVE, -0.0]);
    check(vec![(); 12]);
    check(vec![true, false]);
    check(Ok::<Vec<u8>, String>(vec![1; 100_000]));
    check(Err::<u8, String>("of the function's own".to_owned()));
    let page =
        Page { title: "t".to_owned(), lines: vec![None, Some("l".repeat(200))], size: (1.5, i128::MIN) };
    check(vec![page; 1000]);
}

/// Of 64 MiB, each byte in its place.
pub fn a_large_result_comes_back() {
    let result = joined(fork(|| (0..8u64 << 20).collect::<Vec<u64>>())).unwrap();
    assert!(result.len() == 8 << 20 && result.iter().zip(0..).all(|(found, expected)| *found == expected));
}

/// By the bytes that it takes in the form that it travels in.
pub fn a_result_over_the_limit_says_what_was_needed() {
    let limited = || Fork::new().payload_limit(4096);
    let sizes = |error| match error {
        Error::TooLarge { need, limit, .. } => (need, limit),
        other => panic!("{other:?}"),
    };
    let plain = joined(limited().spawn(|| vec![1u32; 5000])).unwrap_err();
    assert_eq!(sizes(plain), (20_000, 4096));
    let by_serde = joined(limited().spawn(|| (0u8, vec![1u32; 5000]))).unwrap_err();
    assert_eq!(sizes(by_serde), (1 + 8 + 20_000, 4096));
    assert_eq!(joined(limited().spawn(|| vec![1u32; 1024])).unwrap(), vec![1; 1024]);
    let out_of_range = Fork::new().payload_limit(1).spawn(|| 1).map(drop);
    assert!(matches!(out_of_range, Err(Error::Config { .. })), "{out_of_range:?}");
}

/// On either side, whether it fails or panics.
pub fn what_cannot_travel_back_is_an_error() {
    let error = joined(Fork::new().name("ser").spawn(|| FailsInSerialize(1))).unwrap_err();
    assert!(
        matches!(&error, Error::Encode { task, why, .. } if task == "ser" && why == "no way out"),
        "{error:?}"
    );
    let error = joined(Fork::new().name("de").spawn(|| FailsInDeserialize(1))).unwrap_err();
    assert!(
        matches!(&error, Error::Decode { task, why, .. } if task == "de" && why.contains("no way in")),
        "{error:?}"
    );
    let error = joined(fork(|| PanicsInSerialize(1))).unwrap_err();
    assert!(matches!(&error, Error::Panicked { message, .. } if message == "on the way out"), "{error:?}");
    let error = joined(fork(|| PanicsInDeserialize(1))).unwrap_err();
    assert!(matches!(&error, Error::Decode { why, .. } if why.contains("on the way in")), "{error:?}");
}

/// And nothing is printed: standard error stays empty.
pub fn a_panic_in_a_child_is_reported_with_message_and_place() {
    let line = line!() + 1;
    let panics = || -> u32 { panic!("no {}", "flour") };
    let name = |error: &Error| match error {
        Error::Panicked { task, message, location, .. } => {
            assert_eq!(message, "no flour");
            let place = location.clone().unwrap_or_default();
            assert!(place.contains(&format!("forked.rs:{line}:")), "{place}");
            task.clone()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(name(&joined(Fork::new().name("bake").spawn(panics)).unwrap_err()), "bake");
    let error = joined(fork(panics)).unwrap_err();
    assert!(name(&error).ends_with(&format!("forked.rs:{}", line!() - 1)), "{error}");
    let error = joined(fork(|| -> u8 { std::panic::panic_any(7) })).unwrap_err();
    assert!(matches!(&error, Error::Panicked { message, .. } if message.contains("no text")), "{error:?}");
}

/// While a thread lives, and no longer.
pub fn a_fork_beside_a_thread_is_refused() {
    let (done, waits) = mpsc::channel::<()>();
    let other = thread::spawn(move || waits.recv());
    for _ in 0..3 {
        let refused = fork(|| 1).map(drop);
        assert!(matches!(refused, Err(Error::Threads { count: 2, .. })), "{refused:?}");
    }
    drop(done);
    assert!(other.join().unwrap().is_err());
    // A joined thread may still be on the kernel's list.
    for n in 0..100 {
        assert_eq!(thread::spawn(move || n).join().unwrap(), n);
        assert_eq!(joined(fork(|| n)).unwrap(), n);
    }
}

/// Leaves its mark where it is dropped.
struct Marks<'f>(&'f str);

impl Drop for Marks<'_> {
    fn drop(&mut self) {
        let file = std::fs::File::options().create(true).append(true).open(self.0);
        file.and_then(|mut file| file.write_all(b"x")).expect("a mark");
    }
}

/// What the closure borrows is dropped by its owner alone; what it owns, on both sides.
pub fn nothing_of_the_parents_is_dropped_in_a_child() {
    let folder = Folder::new();
    let path = folder.file("marks");
    let marks = || std::fs::read(&path).map_or(0, |marks| marks.len());
    let kept = Marks(&path);
    let borrows = || kept.0.len();
    assert_eq!(joined(fork(borrows)).unwrap(), path.len());
    let error = joined(fork(|| -> usize { panic!("{}", kept.0.len()) })).unwrap_err();
    assert!(matches!(error, Error::Panicked { .. }), "{error:?}");
    assert_eq!(marks(), 0);
    assert_eq!(
        joined(fork(move || {
            let kept = kept;
            kept.0.len()
        }))
        .unwrap(),
        path.len()
    );
    assert_eq!(marks(), 2);
}

/// A child's child, three deep; and a handle that a child inherits is not the child's.
pub fn forks_nest() {
    let level = |n: u64| std::process::id() as u64 * 10 + n;
    let outer = std::process::id();
    let elsewhere = fork(|| 1u64).unwrap();
    let nested = fork(|| {
        assert_ne!(std::process::id(), outer);
        elsewhere.kill();
        assert!(matches!(elsewhere.join(), Err(Error::Closed)));
        let inner = fork(|| {
            let innermost = joined(fork(|| level(3))).unwrap();
            let error = joined(fork(|| -> u8 { panic!("deep") })).unwrap_err();
            (innermost, level(2), error.to_string())
        });
        (joined(inner).unwrap(), level(1))
    });
    let ((three, two, error), one) = joined(nested).unwrap();
    assert_eq!([one % 10, two % 10, three % 10], [1, 2, 3]);
    assert!(one / 10 != two / 10 && two / 10 != three / 10);
    assert!(error.contains("deep"), "{error}");
}

/// The parent's pool is the parent's; the child opens its own.
pub fn a_child_has_pools_of_its_own() {
    let rig = Rig::new(2);
    let pending = rig.pool.spawn(tasks::square::call(5)).unwrap();
    let in_child = fork(|| {
        let inherited = rig.pool.spawn(tasks::square::call(3)).map(drop);
        assert!(matches!(inherited, Err(Error::Closed)), "{inherited:?}");
        let own = multicore::Pool::builder().workers(1).build().unwrap();
        let result = own.spawn(tasks::square::call(4)).and_then(Handle::get).unwrap();
        drop(own);
        assert_eq!(tasks::square::call(6).get().unwrap(), 36);
        result
    });
    assert_eq!(joined(in_child).unwrap(), 16);
    assert_eq!(pending.get().unwrap(), 25);
    rig.end();
}

/// Forks, in a worker.
#[multicore::task]
fn fork_within(n: u64) -> (u64, u32, String) {
    let word = "a worker's".to_owned();
    let (square, pid) = joined(fork(|| (n * n, std::process::id()))).unwrap();
    let error = joined(fork(|| -> usize { panic!("{word} child") })).unwrap_err();
    (square, pid, error.to_string())
}

/// Forks a child that says who it is and stays, in a worker.
#[multicore::task]
fn fork_and_stay(path: String) -> bool {
    joined(fork(|| tasks::announce(&path, 600_000))).is_ok()
}

/// A worker has one thread; its child ends with it.
pub fn a_worker_forks() {
    let rig = Rig::new(1);
    let worker = rig.workers()[0].pid;
    for n in 0..20 {
        let call = fork_within::call(n);
        let (square, pid, error) = rig.pool.spawn(call).and_then(Handle::get).unwrap();
        assert_eq!(square, n * n);
        assert_ne!(pid, worker as u32);
        assert!(error.contains("a worker's child"), "{error}");
    }
    let folder = Folder::new();
    let stays = rig.pool.spawn(fork_and_stay::call(folder.file("child"))).unwrap();
    let child = folder.process("child");
    let worker = procfs::stat(child.parent).expect("the worker");
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(worker.pid), nix::sys::signal::Signal::SIGKILL)
        .unwrap();
    assert!(matches!(stays.get(), Err(Error::Died { .. })));
    eventually("the child ends with its worker", || !child.lives());
    rig.end();
}

/// What is open in the parent is open in the child; threads of the child's own end with it.
pub fn a_child_has_what_its_parent_has_open() {
    let (mut reader, mut writer) = std::io::pipe().unwrap();
    let in_child = fork(|| {
        let endless = thread::spawn(|| {
            loop {
                thread::park();
            }
        });
        writer.write_all(b"from the child").unwrap();
        thread::current().name().is_some() && !endless.is_finished()
    });
    assert!(joined(in_child).unwrap());
    drop(writer);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "from the child");
}

/// The scenes of this file, given to a macro.
#[macro_export]
macro_rules! forked_scenes {
    ($($then:tt)*) => {
        $($then)*! { forked:
            a_child_sees_memory_as_it_is_now
            every_kind_of_result_comes_back
            a_large_result_comes_back
            a_result_over_the_limit_says_what_was_needed
            what_cannot_travel_back_is_an_error
            a_panic_in_a_child_is_reported_with_message_and_place
            a_fork_beside_a_thread_is_refused
            nothing_of_the_parents_is_dropped_in_a_child
            forks_nest
            a_child_has_pools_of_its_own
            a_worker_forks
            a_child_has_what_its_parent_has_open
        }
    };
}
