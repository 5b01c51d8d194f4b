//! What a worker may use, and when it makes room for a fresh one.

use std::fs::File;
use std::sync::atomic::Ordering::Relaxed;

use crate::config::Limits;
use crate::error::{Error, Result};
use crate::shm::layout::WorkerRecord;
use crate::sys::process;

impl Limits {
    /// Whether workers make room for fresh ones.
    pub(crate) fn recycle(&self) -> bool {
        self.max_calls.is_some() || self.max_memory.is_some()
    }

    /// A worker that grows beyond the cgroup's memory shall fail alone, before the kernel chooses whom to end.
    pub(crate) fn with_data_of_cgroup(mut self) -> Limits {
        // What is reserved and never touched counts as well: a program that reserves much is left alone.
        let affordable = |most: &u64| process::mapped_data() < most / 2;
        self.data = self.data.or_else(|| process::memory_of_cgroup().filter(affordable));
        self
    }

    /// In the worker of this seat, before any user code: what the kernel is to see to.
    ///
    /// # Errors
    /// `Os`: what the kernel refused, such as a lower niceness without the privilege; `Config` for a data
    /// limit below what the worker was forked with.
    pub(crate) fn apply(&self, seat: usize) -> Result<()> {
        for (name, value) in &self.variables {
            process::set_variable(name, value);
        }
        if let Some(own) = seat.checked_rem(self.cpus.len()) {
            process::run_on(if self.pin { &self.cpus[own..=own] } else { &self.cpus })?;
        }
        if let Some(niceness) = self.niceness {
            process::set_niceness(niceness)?;
        }
        if let Some(bytes) = self.data {
            let mapped = process::mapped_data();
            if mapped >= bytes {
                let why =
                    format!("a worker begins with {mapped} bytes mapped already; {bytes} leave it none");
                return Err(Error::config("data_limit", why));
            }
            process::limit_data(bytes)?;
        }
        if let Some(time) = self.cpu {
            process::limit_cpu(time)?;
        }
        if let Some(count) = self.files {
            process::limit_files(count)?;
        }
        Ok(())
    }
}

/// Looks, between calls, whether a worker has done its part.
pub(crate) struct Recycling {
    max_calls: u64,
    max_memory: Option<(u64, File)>,
}

impl Recycling {
    /// # Errors
    /// `Os` where the memory is limited and `/proc` does not tell how much there is.
    pub(crate) fn of(limits: &Limits) -> Result<Recycling> {
        let max_memory = limits.max_memory.map(|most| Ok::<_, Error>((most, process::memory_file()?)));
        Ok(Recycling { max_calls: limits.max_calls.unwrap_or(u64::MAX), max_memory: max_memory.transpose()? })
    }

    /// Whether the worker of this record makes room for a fresh one.
    #[inline]
    pub(crate) fn is_due(&self, record: &WorkerRecord) -> bool {
        record.calls.load(Relaxed) >= self.max_calls
            || self.max_memory.as_ref().is_some_and(|(most, file)| process::private_memory(file) > *most)
    }
}
