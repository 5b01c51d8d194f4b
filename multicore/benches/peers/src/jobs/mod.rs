//! What is measured: a file for each job, the same steps for every contender.

mod balance;
mod calls;
mod empty;
mod payload;
mod start;
mod users;

use std::time::Duration;

use anyhow::{Result, bail};
use clap::ValueEnum;

pub use self::payload::SIZES as PAYLOADS;
use crate::contenders::Contender;
use crate::figure::Figure;
use crate::place::Place;

/// How long one figure of a round is measured, where a single turn is short.
pub const BUDGET: Duration = Duration::from_millis(300);

/// A row, or a few rows, of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, ValueEnum)]
pub enum Job {
    /// One empty call at a time
    J1,
    /// The same without spinning, client and worker on different cores
    J1Other,
    /// The same without spinning, both on one core
    J1Same,
    /// 100,000 tiny tasks: one submission each, at most 1000 in flight; and in 16 chunks
    J2,
    /// 1000 calls of 1 us and of 10 us at once: speed-up
    Batch,
    /// Echo of bytes: payload a second
    J3,
    /// Primes below 9,000,000 in 2, 4 and 16 equal ranges, and as par_ranges! divides: speed-up
    J4,
    /// From nothing to the first result, each in a process of its own
    J5,
    /// 100 users of 10 ms: a call each, or two ranges
    J6,
    /// 1 GiB visible in both workers
    J7,
    /// 1,000,000 calls of 1 us: speed-up
    J8,
    /// Two empty chunks, sent and joined
    J9,
    /// The same without spinning
    J9Sleep,
    /// Memory of an idle pool's processes, and of its region before, in and after a burst
    Memory,
    /// Time on a core, of a pool that nobody uses
    Idle,
    /// What else the machine's limits are
    Machine,
}

impl Job {
    /// The name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// What the table calls it.
    pub fn title(self) -> &'static str {
        match self {
            Job::J1 => "J1 empty call",
            Job::J1Other => "J1 no spin, other core",
            Job::J1Same => "J1 no spin, same core",
            Job::J2 => "J2 tiny tasks",
            Job::Batch => "batch of 1000",
            Job::J3 => "J3 echo",
            Job::J4 => "J4 primes",
            Job::J5 => "J5 start to first result",
            Job::J6 => "J6 100 users",
            Job::J7 => "J7 1 GiB visible",
            Job::J8 => "J8 1,000,000 of 1 us",
            Job::J9 => "J9 two empty chunks",
            Job::J9Sleep => "J9 no spin",
            Job::Memory => "memory",
            Job::Idle => "idle pool, on a core",
            Job::Machine => "machine",
        }
    }

    /// How many processes measure it in one round; their median is the round's figure.
    pub fn processes(self) -> usize {
        match self {
            Job::J5 => 20,
            _ => 1,
        }
    }

    /// Where client and worker have to be.
    pub fn place(self) -> Option<Place> {
        match self {
            Job::J1Other => Some(Place::Other),
            Job::J1Same => Some(Place::Same),
            _ => None,
        }
    }

    /// Measures it here and now.
    pub fn measure(self, contender: Contender) -> Result<Vec<Figure>> {
        if let Some(figures) = contender.own_figures(self)? {
            return Ok(figures);
        }
        match self {
            Job::J1 | Job::J1Other | Job::J1Same => empty::one_at_a_time(contender, self.place()),
            Job::J2 => calls::tiny(contender),
            Job::Batch => calls::batches(contender),
            Job::J3 => payload::echoes(contender),
            Job::J4 => balance::primes(contender),
            Job::J5 => start::first_result(contender),
            Job::J6 => users::render(contender),
            Job::J8 => calls::a_million(contender),
            Job::J9 => empty::pair(contender, true),
            Job::J9Sleep => empty::pair(contender, false),
            Job::J7 | Job::Memory | Job::Idle | Job::Machine => {
                bail!("{} has no way to do this job", contender.name())
            }
        }
    }
}
