//! How a seat is filled: the supervisor forks a worker, and the copy becomes one.

use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use nix::unistd::Pid;

use crate::processes::clock;
use crate::processes::map;
use crate::processes::repair;
use crate::processes::supervisor::arrival::short;
use crate::processes::supervisor::cell::Cell;
use crate::processes::supervisor::{Seat, Supervisor};
use crate::processes::worker::ready::NOT_SANDBOXED;
use crate::processes::worker::{Worker, shares};
use crate::shm::region::Region;
use crate::sys::fault::point;
use crate::sys::process::{self, Fork};
use crate::sys::{signals, stack};

impl Supervisor {
    /// Forks a worker for each empty seat that still needs one.
    pub(in crate::processes) fn fill_seats(&mut self) {
        if self.retry_at.is_some_and(|at| clock::now() < at) {
            return;
        }
        self.retry_at = None;
        for index in 0..self.seats.len() {
            if self.seats[index].pid.is_some() || self.draining && !self.is_missed(index) {
                continue;
            }
            if self.retry_at.is_some() {
                return;
            }
            self.fill_seat(index);
        }
    }

    /// Whether a call is ready that this worker may run.
    pub(in crate::processes) fn is_missed(&self, index: usize) -> bool {
        repair::any_ready_for(&self.region, index >= self.limits.background_from)
    }

    /// Forks the worker of an empty seat.
    pub(in crate::processes) fn fill_seat(&mut self, index: usize) {
        self.region.tally(index).seat(clock::now(), || self.region.worker(index).reset());
        let supervisor = Pid::this();
        if let Some(handout) = &mut self.handout
            && let Err(error) = handout.furnish(index, self.region.geometry().window)
        {
            return self.failed(error.to_string());
        }
        let (asks, road) = self.road().unzip();
        match process::fork_supervisor() {
            Ok(Fork::Parent(pid)) => {
                point("forked");
                // A worker says so itself; a sandboxed one says it elsewhere.
                self.region.worker(index).pid.store(pid.as_raw() as u32, Relaxed);
                self.seats[index] = Seat { pid: Some(pid), born: clock::now(), asks, ..Seat::default() };
            }
            Ok(Fork::Child) => self.become_worker(index, supervisor, road),
            Err(error) => self.failed(error.to_string()),
        }
    }

    /// In the forked child.
    fn become_worker(&self, seat: usize, supervisor: Pid, road: Option<OwnedFd>) -> ! {
        let _ = process::own_group();
        // First of all: who is too late to be killed with the supervisor is on the roster.
        self.roster.note(seat);
        if !process::die_with_parent(supervisor) {
            process::exit_now(0);
        }
        let _ = signals::for_worker();
        let cell = self.handout.as_ref().and_then(|handout| handout.cell(seat));
        let private = cell.map(Cell::descriptors).unwrap_or_default();
        let asks: Vec<RawFd> = road.iter().map(AsRawFd::as_raw_fd).collect();
        process::close_all_but(&[&self.kept_by_workers[..], &private, &asks].concat());
        road.into_iter().for_each(shares::ask_on);
        process::set_name(&format!("{}: worker {seat}", short(&self.name)));
        process::set_oom_score(1000);
        process::print_by_lines();
        let (index, region) = own_region(cell).unwrap_or_else(|| (seat, self.region.clone()));
        // The process ends without ever giving it back.
        let region: &'static Region = Box::leak(Box::new(region));
        stack::report_to(&region.worker(index).stack_overflow);
        let own = cell.map(|cell| cell.own(self.lifeline.as_raw_fd()));
        let sandbox = self.handout.as_ref().map(|handout| &handout.sandbox).zip(own);
        let kick = cell.map_or(&self.kick, Cell::bell);
        let (registry, limits, faults, patience) = (self.registry, &self.limits, self.faults, self.patience);
        Worker { seat, index, region, registry, limits, faults, kick, supervisor, patience, sandbox }.work()
    }
}

/// The private region of a worker in a sandbox, and its number there.
fn own_region(cell: Option<&Cell>) -> Option<(usize, Arc<Region>)> {
    let cell = cell?;
    match map::map(cell.file().clone(), cell.geometry()) {
        Ok(region) => Some((0, Arc::new(region))),
        // There is no place to say why.
        Err(_) => process::exit_now(NOT_SANDBOXED),
    }
}
