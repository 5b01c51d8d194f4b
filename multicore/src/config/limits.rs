//! What a pool asks of each of its worker processes.

use std::ffi::OsString;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a pool asks of each of its workers. Travels to the supervisor with the first message.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Limits {
    /// Calls after which a worker is replaced.
    pub(crate) max_calls: Option<u64>,
    /// Bytes of private resident memory above which it is replaced, once its call is over.
    pub(crate) max_memory: Option<u64>,
    /// Bytes of private writable memory that the kernel gives it.
    pub(crate) data: Option<u64>,
    /// Time on a core, over its whole life, after which the kernel ends it.
    pub(crate) cpu: Option<Duration>,
    /// Descriptors that it may have open.
    pub(crate) files: Option<u64>,
    pub(crate) niceness: Option<i32>,
    /// The cores that it may run on; empty for those of the client.
    pub(crate) cpus: Vec<usize>,
    /// Whether each worker has one of those for itself, in turn.
    pub(crate) pin: bool,
    pub(crate) variables: Vec<(OsString, OsString)>,
    /// The first worker that runs calls which nobody waits for; those before it are reserved for others.
    pub(crate) background_from: usize,
}

impl Limits {
    /// Whether calls must not run in the client, where none of this holds.
    pub(crate) fn isolate(&self) -> bool {
        let counts = [self.max_calls, self.max_memory, self.data, self.files];
        counts.iter().any(Option::is_some) || self.cpu.is_some()
    }
}
