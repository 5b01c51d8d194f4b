//! Task functions that write down the moment right before what is about to happen to them.

use std::hint;
use std::process::{Child, Command};
use std::thread;
use std::time::Duration;

use multicore::{Handle, Pool};
use serde::{Deserialize, Serialize};

use crate::moment::{self, Note};
use crate::{tasks, wild};

/// A way to end a call that was not asked for.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Death {
    /// A panic.
    Panic,
    /// A panic in a destructor that another panic runs, which ends the process.
    PanicTwice,
    /// A store where nothing is mapped.
    BadStore,
    /// `abort`.
    Abort,
    /// A recursion without end.
    Overflow,
    /// An allocation that no machine can satisfy.
    NoMemory,
    /// One that the machine can, and a data limit of 1 GiB does not.
    TooMuchMemory,
    /// `exit(3)`.
    Exit,
}

/// Writes down the moment, and then this happens.
#[multicore::task]
pub fn die(how: Death, path: &str) -> u64 {
    moment::note(path);
    match how {
        Death::Panic => tasks::panic_literal(),
        Death::PanicTwice => {
            let _second = PanicsInDrop;
            tasks::panic_literal()
        }
        Death::BadStore => wild::bad_store(),
        Death::Abort => tasks::abort(),
        Death::Overflow => tasks::overflow(),
        Death::NoMemory => reserve(isize::MAX as usize),
        Death::TooMuchMemory => reserve(2 << 30),
        Death::Exit => tasks::leave(3),
    }
}

fn reserve(bytes: usize) -> u64 {
    hint::black_box(Vec::<u8>::with_capacity(bytes)).len() as u64
}

/// Keeps so many bytes for good.
#[multicore::task]
pub fn leak(bytes: usize) {
    hint::black_box(vec![1u8; bytes].leak());
}

struct PanicsInDrop;

impl Drop for PanicsInDrop {
    fn drop(&mut self) {
        panic!("and another one");
    }
}

/// What an endless call does beside looping.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub enum Loop {
    /// Nothing.
    Plain,
    /// Asks whether it is to end, and does.
    Polite,
    /// Ignores SIGTERM.
    Deaf,
    /// Does not even loop.
    Asleep,
    /// Has two children that ignore SIGTERM.
    Parent,
}

/// Writes down its first moment and whoever is to end with it, and never ends of its own accord.
#[multicore::task]
pub fn run_on(how: Loop, path: &str) {
    let begun = moment::now();
    let children: Vec<Child> = match how {
        Loop::Plain | Loop::Polite | Loop::Asleep => Vec::new(),
        Loop::Deaf => {
            wild::ignore_sigterm();
            Vec::new()
        }
        Loop::Parent => [(); 2].map(|()| deaf_child()).into(),
    };
    moment::note_of(begun, &children.iter().map(Child::id).collect::<Vec<_>>(), path);
    while !(matches!(how, Loop::Polite) && multicore::cancelled()) {
        match how {
            Loop::Asleep => thread::park(),
            _ => hint::spin_loop(),
        }
    }
}

/// Begins such a call with a deadline; sends it again where the machine is so loaded that its time is up
/// before its first step.
///
/// # Panics
/// When the pool does not take it.
pub fn begin(pool: &Pool, how: Loop, deadline: Duration, path: &str) -> (Handle<()>, Note) {
    loop {
        let handle = pool.spawn(run_on::call(how, path).timeout(deadline)).expect("a slot");
        loop {
            let over = handle.is_finished();
            if let Some(note) = moment::look(path) {
                return (handle, note);
            }
            if over {
                break;
            }
            thread::sleep(Duration::from_micros(500));
        }
    }
}

/// A process that ignores SIGTERM as it begins; an ignored signal stays ignored through `exec`.
fn deaf_child() -> Child {
    let program = "trap '' TERM; exec sleep 600";
    Command::new("sh").args(["-c", program]).spawn().expect("a shell")
}
