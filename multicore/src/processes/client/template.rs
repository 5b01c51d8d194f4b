//! The template: a copy of the program as it was when it called `initialize()`, or of a fork of it at its first pool.
//! All supervisors of a program that forks come from it, but those of sandboxed pools.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::OnceLock;
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout};
use nix::sys::signal::Signal;
use nix::sys::socket::Shutdown;

use crate::error::{Error, Result};
use crate::processes::client::launch::Origin;
use crate::processes::control::{self, Wanted, Word as Say};
use crate::processes::supervisor::supervise;
use crate::sys::fork_guard::{self, Token};
use crate::sys::process::{Fork, Parent};
use crate::sys::signals::Deaf;
use crate::sys::{pidfd, process, signals, socket};

/// The way to the template; a forked child of the client has its own.
static TEMPLATE: OnceLock<Template> = OnceLock::new();
static IN_FORK: OnceLock<Template> = OnceLock::new();
/// How long the template may take to end.
const END: Duration = Duration::from_secs(5);

struct Template {
    process: OwnedFd,
    socket: OwnedFd,
    made_in: Token,
}

impl Template {
    /// Has it go on if somebody stopped it: it would hear nothing.
    fn go_on(&self) {
        let _ = pidfd::signal(self.process.as_fd(), Signal::SIGCONT);
    }

    /// Ends and collects it.
    fn end(&self) {
        self.go_on();
        // The template reads the end and leaves.
        // Refused or too late: it watches this process as well.
        if nix::sys::socket::shutdown(self.socket.as_raw_fd(), Shutdown::Write).is_ok() {
            pidfd::wait_exit(self.process.as_fd(), Some(END));
            pidfd::collect(self.process.as_fd());
        }
    }

    /// Wants a supervisor at `theirs`.
    fn ask(&self, theirs: &OwnedFd) -> Result<()> {
        self.go_on();
        control::send(self.socket.as_fd(), b"", &Wanted::Supervisor, &[theirs.as_fd()]).map_err(|error| {
            if !control::is_gone(&error) {
                return error;
            }
            look_after();
            let why =
                "the template, the process that supervisors are forked from, is gone: restart the program";
            Error::config("start", why)
        })
    }
}

/// The template that this very process forked.
fn own() -> Option<&'static Template> {
    let known = [TEMPLATE.get(), IN_FORK.get()].into_iter().flatten();
    known.into_iter().find(|template| !fork_guard::in_forked_child(template.made_in))
}

/// Has a supervisor forked at `theirs`, where its pid is told.
///
/// A forked child of this program makes a template of its own at its first pool: the parent's would end with
/// the parent, and its supervisors are the parent's to collect.
///
/// # Errors
/// `Config` when there is no template, or no longer; `Os`; `Threads` where it has to be forked.
pub(super) fn supply(theirs: &OwnedFd, from: Origin) -> Result<()> {
    match own() {
        Some(template) => template.ask(theirs),
        None if from == Origin::AsSettled && TEMPLATE.get().is_none() => {
            let why = "`fork` needs `multicore::initialize()` or `#[multicore::main]` first";
            Err(Error::config("start", why))
        }
        None => fork(theirs),
    }
}

/// Forks the template, which then forks its first supervisor at `first`.
fn fork(first: &OwnedFd) -> Result<()> {
    let (ours, theirs) = socket::pair()?;
    let client = pidfd::of_self()?;
    process::flush_output();
    match fork_deaf()? {
        Fork::Child => {
            // What the client left to it is not its to drop.
            let _ = std::panic::catch_unwind(|| live(&theirs, &client, first));
            process::exit_now(0)
        }
        Fork::Parent(pid) => {
            let process = pidfd::of(pid).inspect_err(|_| {
                // Nobody would ask it for anything: it leaves.
                let _ = nix::sys::socket::shutdown(ours.as_raw_fd(), Shutdown::Write);
                process::collect(pid);
            })?;
            let template = Template { process, socket: ours, made_in: fork_guard::token() };
            // In a fork of a fork that has its own there is no place for it: it has forked the one that was
            // asked for, and ends.
            if let Err(template) = TEMPLATE.set(template).or_else(|template| IN_FORK.set(template)) {
                template.end();
            }
            Ok(())
        }
    }
}

/// Ends the template with the program, so that it does not hold the program's output open any longer.
///
/// Does nothing in a fork of the process that made it.
pub(crate) fn end() {
    own().into_iter().for_each(Template::end);
}

/// Collects a template that somebody killed.
pub(crate) fn look_after() {
    if let Some(template) = own() {
        pidfd::collect(template.process.as_fd());
    }
}

/// Forks with all signals blocked, which the copy undoes once no handler of the client's is left.
fn fork_deaf() -> Result<Fork> {
    let deaf = Deaf::begin();
    let forked = process::fork_unseen(Parent::This);
    if matches!(forked, Ok(Fork::Child)) {
        std::mem::forget(deaf);
    }
    forked
}

/// The template's life: a supervisor at `first` and one for each message, until the client is gone.
fn live(control: &OwnedFd, client: &OwnedFd, first: &OwnedFd) {
    signals::reset_all();
    process::fill_standard_descriptors();
    // It does not wait for the rest, which it sees to for itself.
    fork_supervisor(first);
    // Refused only where they cannot matter: no handler, or a leader already.
    let _ = signals::for_supervisor();
    let _ = process::own_group();
    process::close_all_but(&[control.as_raw_fd(), client.as_raw_fd()]);
    let _ = process::stdin_from_nothing();
    process::set_name("multicore: template");
    loop {
        let mut fds = [control, client].map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN));
        match nix::poll::poll(&mut fds, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => {}
            // It would hear of nothing any more.
            Err(_) => return,
        }
        let [asked, gone] = fds.map(|fd| fd.any().unwrap_or(false));
        if gone {
            return;
        }
        if !asked {
            continue;
        }
        let Ok(Some((Wanted::Supervisor, fds))) =
            control::receive::<Wanted>(control.as_fd(), 0, Some(Duration::ZERO))
        else {
            return;
        };
        fds.first().into_iter().for_each(fork_supervisor);
    }
}

/// Forks a supervisor at `socket`, and tells its pid there.
fn fork_supervisor(socket: &OwnedFd) {
    let word = match process::fork_unseen(Parent::Same) {
        Ok(Fork::Child) => {
            // The first one has the client's end as well, and would never hear that the client is gone.
            process::close_all_but(&[socket.as_raw_fd()]);
            match socket.try_clone() {
                Ok(control) => supervise(control, 0),
                // Its client sees the end.
                Err(_) => process::exit_now(1),
            }
        }
        Ok(Fork::Parent(pid)) => Say::Started { pid: pid.as_raw() },
        Err(error) => Say::refused(&error),
    };
    // A client that is gone needs no word.
    let _ = control::send(socket.as_fd(), b"", &word, &[]);
}
