//! How a process becomes a supervisor: it hears from its client, takes its places, and answers.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use crate::error::{Error, Result};
use crate::processes::control::{self, Hello, Word as Say};
use crate::processes::map;
use crate::processes::roster::Roster;
use crate::processes::supervisor::cooling::Cooling;
use crate::processes::supervisor::handout::Handout;
use crate::processes::supervisor::retries::Retries;
use crate::processes::supervisor::shares::Shares;
use crate::processes::supervisor::storm::Storm;
use crate::processes::supervisor::{Seat, Supervisor};
use crate::registry::registry;
use crate::sys::{eventfd, pidfd, process, signals, stack};

/// How long the client's first message may take.
const HELLO_TIMEOUT: Duration = Duration::from_secs(30);

impl Supervisor {
    /// Hears the client out, in a process whose signals were reset; `None` when there is nobody to serve.
    ///
    /// # Errors
    /// What the kernel refused, to be told to the client.
    pub(in crate::processes) fn begin(
        control: &mut OwnedFd,
        prefix_len: usize,
    ) -> Result<Option<Supervisor>> {
        signals::for_supervisor()?;
        // For workers; without it an overflow there is a plain SIGSEGV.
        let _ = stack::install();
        // Refused to the leader of a session, which leads a group already.
        let _ = process::own_group();
        process::become_subreaper()?;
        process::stdin_from_nothing()?;
        // The client has its own work meanwhile.
        let registry = registry()?;
        let received = control::receive::<Hello>(control.as_fd(), prefix_len, Some(HELLO_TIMEOUT))?;
        let Some((hello, fds)) = received else { return Ok(None) };
        let ([file, client, lifeline, roster], bell) = take_places(control, fds, &hello)?;
        process::set_name(&format!("{}: supervisor", short(&hello.name)));
        if registry.digest() != hello.digest {
            control::send(control.as_fd(), b"", &Say::OtherTasks { digest: registry.digest() }, &[])?;
            return Ok(None);
        }
        let file = Arc::new(file);
        let region = Arc::new(map::map(file.clone(), hello.geometry)?);
        let children = signals::bell_for_children()?;
        let kick = bell.map_or_else(eventfd::create, Ok)?;
        let own = [&*control, &client, &children, &roster, &*file, &lifeline, &kick].map(AsRawFd::as_raw_fd);
        process::close_all_but(&[&own[..], &hello.keep_fds].concat());
        let mut kept_by_workers = hello.keep_fds;
        kept_by_workers.push(lifeline.as_raw_fd());
        if hello.sandbox.is_some() {
            region.keep_from_forks().map_err(|error| Error::os("madvise(MADV_DONTFORK)", error))?;
        } else {
            kept_by_workers.extend([file.as_raw_fd(), kick.as_raw_fd()]);
        }
        let seats = (0..hello.geometry.workers).map(|_| Seat::default()).collect();
        let handout = hello.sandbox.map(|sandbox| Handout::new(sandbox, hello.geometry.workers));
        Ok(Some(Supervisor {
            region,
            registry,
            client,
            lifeline,
            roster: Roster::of(roster, hello.geometry.workers),
            kept_by_workers,
            children,
            kick,
            grace: hello.grace,
            limits: hello.limits,
            handout,
            faults: hello.faults,
            patience: hello.patience,
            name: hello.name,
            seats,
            failures: 0,
            last_failure: String::new(),
            retry_at: None,
            storm: Storm::new(hello.geometry.workers),
            retries: Retries::new(hello.geometry.slots),
            shares: Shares::expecting(hello.shares),
            draining: false,
            cooling: Cooling::default(),
        }))
    }

    /// Forks the workers, and says after the first that calls may come: on two cores the client, once it is
    /// woken, would keep that from running.
    ///
    /// # Errors
    /// What the kernel refused, to be told to the client.
    pub(in crate::processes) fn open(&mut self, control: &OwnedFd) -> Result<()> {
        self.fill_seat(0);
        let own = pidfd::of_self()?;
        control::send(control.as_fd(), b"", &Say::Ready, &[own.as_fd()])?;
        self.fill_seats();
        // Before anybody's question is answered.
        self.shares.inherit(control, HELLO_TIMEOUT)
    }
}

/// The supervisor's own descriptors, and the client's bell if there is one, out of the way of those that
/// workers keep, which are put under their numbers.
fn take_places(
    control: &mut OwnedFd,
    fds: Vec<OwnedFd>,
    hello: &Hello,
) -> Result<([OwnedFd; 4], Option<OwnedFd>)> {
    let highest = hello.keep_fds.iter().copied().max().unwrap_or(0).max(2);
    let lifted: Vec<OwnedFd> = fds.iter().map(|fd| process::lift(fd, highest)).collect::<Result<_>>()?;
    *control = process::lift(control, highest)?;
    drop(fds);
    let mut lifted = lifted.into_iter();
    let [Some(file), Some(client), Some(lifeline), Some(roster)] = [(); 4].map(|()| lifted.next()) else {
        return Err(Error::config("the first message", "it carries fewer descriptors than four"));
    };
    let bell = if hello.sandbox.is_some() { lifted.next() } else { None };
    for (fd, number) in lifted.zip(&hello.keep_fds) {
        process::place(fd, *number)?;
    }
    Ok(([file, client, lifeline, roster], bell))
}

/// The kernel keeps fifteen bytes of a process's name.
pub(in crate::processes) fn short(name: &str) -> &str {
    let mut end = name.len().min(6);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    &name[..end]
}
