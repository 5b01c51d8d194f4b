//! A connection manager that counts what it is asked, in the process that asks.

use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::SeqCst;

use multicore::ResourceGuard;
use r2d2::ManageConnection;
use serde::{Deserialize, Serialize};

static MANAGERS: AtomicU64 = AtomicU64::new(0);
static CONNECTIONS: AtomicU64 = AtomicU64::new(0);
static CHECKS: AtomicU64 = AtomicU64::new(0);
static LOOKS: AtomicU64 = AtomicU64::new(0);
static ENDS: AtomicU64 = AtomicU64::new(0);

/// What there was until now.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    /// Managers that were asked for.
    pub(super) managers: u64,
    /// Connections that were asked for.
    pub(super) connections: u64,
    /// Calls of `is_valid`.
    pub(super) checks: u64,
    /// Calls of `has_broken`.
    pub(super) looks: u64,
    /// Connections that were dropped.
    pub(super) ends: u64,
}

/// Of the worker that runs this.
#[multicore::task]
pub(super) fn counts() -> Counts {
    Counts {
        managers: MANAGERS.load(SeqCst),
        connections: CONNECTIONS.load(SeqCst),
        checks: CHECKS.load(SeqCst),
        looks: LOOKS.load(SeqCst),
        ends: ENDS.load(SeqCst),
    }
}

/// It refuses the connections of these numbers.
pub(super) struct Counting(&'static [u64]);

/// A connection to nothing.
pub(super) struct Counted {
    number: u64,
    valid: bool,
    broken: bool,
}

impl Drop for Counted {
    fn drop(&mut self) {
        ENDS.fetch_add(1, SeqCst);
    }
}

/// Why there is no connection, or no result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Failure {
    NoManager,
    /// The manager refuses the connection of this number.
    Refused(u64),
    Invalid,
    /// The task's own.
    Own,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

impl std::error::Error for Failure {}

impl ManageConnection for Counting {
    type Connection = Counted;
    type Error = Failure;

    fn connect(&self) -> Result<Counted, Failure> {
        let number = CONNECTIONS.fetch_add(1, SeqCst) + 1;
        if self.0.contains(&number) {
            return Err(Failure::Refused(number));
        }
        Ok(Counted { number, valid: true, broken: false })
    }

    fn is_valid(&self, connection: &mut Counted) -> Result<(), Failure> {
        CHECKS.fetch_add(1, SeqCst);
        if connection.valid { Ok(()) } else { Err(Failure::Invalid) }
    }

    fn has_broken(&self, connection: &mut Counted) -> bool {
        LOOKS.fetch_add(1, SeqCst);
        connection.broken
    }
}

fn manager(refused: &'static [u64]) -> Counting {
    MANAGERS.fetch_add(1, SeqCst);
    Counting(refused)
}

#[multicore::resource(r2d2)]
fn kept() -> Counting {
    manager(&[])
}

/// Fails the first time; and the first connection is refused.
#[multicore::resource(r2d2)]
fn late() -> Result<Counting, Failure> {
    let manager = manager(&[1]);
    if MANAGERS.load(SeqCst) == 1 { Err(Failure::NoManager) } else { Ok(manager) }
}

#[multicore::resource(r2d2, max_age = "0s")]
fn each_call() -> Counting {
    manager(&[])
}

#[multicore::resource(r2d2, check_idle = "0s")]
fn checked_each_call() -> Counting {
    manager(&[])
}

/// Never mind what the manager thinks.
#[multicore::resource(r2d2, check = |counted| counted.number > 1)]
fn own_check() -> Counting {
    manager(&[])
}

#[multicore::resource(r2d2, reset = |counted| { counted.valid = true; counted.number < 3 })]
fn reset() -> Counting {
    manager(&[])
}

/// Which connection.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) enum Which {
    Kept,
    Late,
    EachCall,
    CheckedEachCall,
    OwnCheck,
    Reset,
}

fn get(which: Which) -> Result<ResourceGuard<Counted>, Failure> {
    match which {
        Which::Kept => kept::get(),
        Which::Late => late::get(),
        Which::EachCall => each_call::get(),
        Which::CheckedEachCall => checked_each_call::get(),
        Which::OwnCheck => own_check::get(),
        Which::Reset => reset::get(),
    }
}

/// What becomes of a connection in a call.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Fate {
    Unchanged,
    /// It is not valid any more, and does not know.
    Invalid,
    /// It knows that it is of no use.
    Broken,
}

/// How a call ends that has a connection in hand.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum End {
    Well,
    Fails,
    Panics,
}

/// Uses a connection; its number.
#[multicore::task]
pub(super) fn use_it(which: Which, fate: Fate, end: End) -> Result<u64, Failure> {
    let mut counted = get(which)?;
    match fate {
        Fate::Unchanged => {}
        Fate::Invalid => counted.valid = false,
        Fate::Broken => counted.broken = true,
    }
    match end {
        End::Well => Ok(counted.number),
        End::Fails => Err(Failure::Own),
        End::Panics => panic!("as it was told"),
    }
}

/// The numbers of the connections of two uses, of which the first finds that its connection has broken.
#[multicore::task]
pub(super) fn use_it_twice(which: Which) -> Result<(u64, u64), Failure> {
    Ok((use_it(which, Fate::Broken, End::Well)?, use_it(which, Fate::Unchanged, End::Well)?))
}
