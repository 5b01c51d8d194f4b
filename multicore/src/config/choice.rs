//! Which backend a pool has, and which options it can have then.

use super::settle::read;
use super::{Backend, Config};
use crate::error::{Error, Result};

const VARIABLE: &str = "MULTICORE_BACKEND";

impl Config {
    /// The backend, and whether the environment chose it.
    ///
    /// # Errors
    /// `Config`: it is not to be had, or the options do not go with it.
    pub(super) fn choose(&self) -> Result<(Backend, bool)> {
        let (backend, asked_for) = match self.backend {
            Some(backend) => (backend, false),
            None => match from_environment()? {
                Some(backend) => (backend, true),
                None => (if cfg!(processes) { Backend::Processes } else { Backend::Threads }, false),
            },
        };
        let what = if asked_for { VARIABLE } else { "backend" };
        match backend {
            Backend::Processes if !cfg!(processes) => Err(Error::config(what, NO_PROCESSES)),
            Backend::Threads if !cfg!(threads) => Err(Error::config(what, NO_THREADS)),
            Backend::Threads | Backend::Inline if !asked_for => {
                self.check_for(backend).map(|()| (backend, asked_for))
            }
            _ => Ok((backend, asked_for)),
        }
    }

    /// Nothing that the program asks for is ignored.
    fn check_for(&self, backend: Backend) -> Result<()> {
        let limits = &self.limits;
        let set = [
            ("timeout", self.timeout.is_some()),
            ("grace", self.grace.is_some()),
            ("start", self.start.is_some()),
            ("keep_fds", !self.keep_fds.is_empty()),
            ("spin", self.spin.is_some()),
            ("warm_memory", self.warm_memory.is_some()),
            ("max_calls", limits.max_calls.is_some()),
            ("max_memory", limits.max_memory.is_some()),
            ("data_limit", limits.data.is_some()),
            ("cpu_limit", limits.cpu.is_some()),
            ("file_limit", limits.files.is_some()),
            ("niceness", limits.niceness.is_some()),
            ("cpus", !limits.cpus.is_empty()),
            ("pin", self.pin == Some(true)),
            ("env", !limits.variables.is_empty()),
            ("sandbox", self.sandbox.is_some()),
            ("background_workers", backend == Backend::Inline && self.background_workers.is_some()),
            ("payload_limit", backend == Backend::Inline && self.payload_limit.is_some()),
        ];
        match set.into_iter().find(|(_, set)| *set) {
            None => Ok(()),
            Some((what, _)) => Err(Error::config(
                what,
                format!(
                    "a pool whose backend is `{backend:?}` cannot have it; leave it out, or use `Processes`"
                ),
            )),
        }
    }
}

const NO_PROCESSES: &str = "there are worker processes on 64-bit little-endian Linux alone, and this program was built for something else";
const NO_THREADS: &str =
    "threads need the feature `threads` of `multicore`: write `features = [\"threads\"]` in Cargo.toml";

fn from_environment() -> Result<Option<Backend>> {
    match read(VARIABLE)?.as_deref() {
        None => Ok(None),
        Some("processes") => Ok(Some(Backend::Processes)),
        Some("threads") => Ok(Some(Backend::Threads)),
        Some("inline") => Ok(Some(Backend::Inline)),
        Some(other) => {
            Err(Error::config(VARIABLE, format!("`{other}` is none of `processes`, `threads` and `inline`")))
        }
    }
}
