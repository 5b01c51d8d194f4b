//! How a process becomes a supervisor: it hears from its client, takes its places, and answers.

use std::os::fd::{AsFd, AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::time::Duration;

use super::control::{self, Hello, Word as Say};
use super::map;
use super::roster::Roster;
use super::storm::Storm;
use super::supervisor::{Seat, Supervisor};
use crate::error::{Error, Result};
use crate::registry::registry;
use crate::sys::{eventfd, pidfd, process, signals};

/// How long the client's first message may take.
const HELLO_TIMEOUT: Duration = Duration::from_secs(30);

impl Supervisor {
    /// Hears the client out and says that it is ready; `None` when there is nobody to serve.
    ///
    /// # Errors
    /// What the kernel refused, to be told to the client.
    pub(super) fn begin(control: &mut OwnedFd, prefix_len: usize) -> Result<Option<Supervisor>> {
        signals::reset_all();
        signals::for_supervisor()?;
        // Refused to the leader of a session, which leads a group already.
        let _ = process::own_group();
        process::become_subreaper()?;
        let received = control::receive::<Hello>(control.as_fd(), prefix_len, Some(HELLO_TIMEOUT))?;
        let Some((hello, fds)) = received else { return Ok(None) };
        process::stdin_from_nothing()?;
        let [file, client, lifeline, roster] = take_places(control, fds, &hello.keep_fds)?;
        process::set_name(&format!("{}: supervisor", short(&hello.name)));
        let registry = registry()?;
        if registry.digest() != hello.digest {
            control::send(control.as_fd(), b"", &Say::OtherTasks { digest: registry.digest() }, &[])?;
            return Ok(None);
        }
        let file = Arc::new(file);
        let region = Arc::new(map::map(file.clone(), hello.geometry)?);
        let children = signals::signal_fd_for_children()?;
        let kick = eventfd::create()?;
        let mut kept_by_workers = [&file, &lifeline, &kick].map(AsRawFd::as_raw_fd).to_vec();
        kept_by_workers.extend(&hello.keep_fds);
        let own = [&*control, &client, &children, &roster].map(AsRawFd::as_raw_fd);
        process::close_all_but(&[&own[..], &kept_by_workers].concat());
        let own = pidfd::of_self()?;
        control::send(control.as_fd(), b"", &Say::Ready, &[own.as_fd()])?;
        let seats = (0..hello.geometry.workers).map(|_| Seat::default()).collect();
        Ok(Some(Supervisor {
            region,
            registry,
            client,
            _lifeline: lifeline,
            roster: Roster::of(roster, hello.geometry.workers),
            kept_by_workers,
            children,
            kick,
            grace: hello.grace,
            limits: hello.limits,
            faults: hello.faults,
            name: hello.name,
            seats,
            failures: 0,
            last_failure: String::new(),
            retry_at: None,
            storm: Storm::new(hello.geometry.workers),
            draining: false,
        }))
    }
}

/// The supervisor's own descriptors, out of the way of those that workers keep, which are put under
/// their numbers.
fn take_places(control: &mut OwnedFd, fds: Vec<OwnedFd>, numbers: &[RawFd]) -> Result<[OwnedFd; 4]> {
    let highest = numbers.iter().copied().max().unwrap_or(0).max(2);
    let lifted: Vec<OwnedFd> = fds.iter().map(|fd| process::lift(fd, highest)).collect::<Result<_>>()?;
    *control = process::lift(control, highest)?;
    drop(fds);
    let mut lifted = lifted.into_iter();
    let [Some(file), Some(client), Some(lifeline), Some(roster)] = [(); 4].map(|()| lifted.next()) else {
        return Err(Error::config("the first message", "it carries fewer descriptors than four"));
    };
    for (fd, number) in lifted.zip(numbers) {
        process::place(fd, *number)?;
    }
    Ok([file, client, lifeline, roster])
}

/// The kernel keeps fifteen bytes of a process's name.
pub(super) fn short(name: &str) -> &str {
    let mut end = name.len().min(6);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}
