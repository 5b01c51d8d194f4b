//! Processes watched until the last of them is gone.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use nix::poll::{PollFd, PollFlags, PollTimeout};

use crate::{moment, wild};

/// Processes, each by a descriptor of its own, so that no number can come to mean another one.
#[derive(Debug)]
pub struct Watched(Vec<OwnedFd>);

/// How it went with them.
#[derive(Clone, Copy, Debug)]
pub struct Gone {
    /// When the last one ended of those that did.
    pub last: u64,
    /// How many live on.
    pub left: usize,
}

impl Watched {
    /// Those that live.
    pub fn these(pids: impl IntoIterator<Item = i32>) -> Watched {
        Watched(pids.into_iter().filter_map(wild::pidfd).collect())
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Waits until all are gone, at most this long.
    pub fn until_gone(mut self, limit: Duration) -> Gone {
        let start = moment::now();
        let mut last = start;
        while !self.0.is_empty() && moment::since(start) < limit {
            let mut polled: Vec<_> =
                self.0.iter().map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN)).collect();
            let left = limit.saturating_sub(moment::since(start));
            let _ = nix::poll::poll(&mut polled, PollTimeout::try_from(left).unwrap_or(PollTimeout::MAX));
            let ended: Vec<bool> = polled.iter().map(|fd| fd.any().unwrap_or(false)).collect();
            if ended.contains(&true) {
                last = moment::now();
            }
            let mut ended = ended.into_iter();
            self.0.retain(|_| ended.next() == Some(false));
        }
        Gone { last, left: self.0.len() }
    }
}
