//! Statistics as a table for a terminal.

use std::fmt;

use crate::stats::{CallCounts, ResourceStats, RestartCounts, Stats};

impl fmt::Display for Stats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "calls     {}", self.calls)?;
        writeln!(f, "waited    {} (of {} asked)", self.queue_wait, self.queue_wait.count())?;
        writeln!(f, "ran       {}", self.run_time)?;
        writeln!(f, "moved     {} there, {} back", Bytes(self.bytes_sent), Bytes(self.bytes_received))?;
        write!(f, "restarts  {}", self.restarts)?;
        match self.supervisor_restarts {
            0 => writeln!(f)?,
            times => writeln!(f, "; supervisor {times}")?,
        }
        if self.resources() != ResourceStats::default() {
            writeln!(f, "resources {}", self.resources())?;
        }
        write!(f, "busy      {:.0} % of {:.1?}", 100.0 * self.utilisation(), self.elapsed)?;
        for (number, worker) in self.workers.iter().enumerate() {
            let pid = worker.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string());
            let (calls, restarts) = (worker.calls, worker.restarts.all());
            let busy = format!("{:.1?}", worker.busy);
            write!(
                f,
                "\nworker {number:<2} pid {pid:<8} calls {calls:<10} busy {busy:<9} restarts {restarts}"
            )?;
        }
        Ok(())
    }
}

/// All, and those of the kinds that there are.
impl fmt::Display for CallCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.queued, "queued"),
            (self.running, "running"),
            (self.done, "done"),
            (self.panicked, "panicked"),
            (self.failed, "failed"),
            (self.died, "died"),
            (self.timed_out, "timed out"),
            (self.cancelled, "cancelled"),
            (self.lost, "lost"),
        ];
        total(f, self.accepted(), &parts)
    }
}

/// All, and those of the reasons that there were.
impl fmt::Display for RestartCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts = [
            (self.died, "died"),
            (self.timed_out, "timed out"),
            (self.cancelled, "cancelled"),
            (self.recycled, "recycled"),
        ];
        total(f, self.all(), &parts)
    }
}

impl fmt::Display for ResourceStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ResourceStats { made, reused, checked, replaced } = self;
        write!(f, "made {made}, reused {reused}, checked {checked}, replaced {replaced}")
    }
}

fn total(f: &mut fmt::Formatter<'_>, all: u64, parts: &[(u64, &str)]) -> fmt::Result {
    write!(f, "{all}")?;
    let some = parts.iter().filter(|(count, _)| *count != 0);
    for (separator, (count, name)) in std::iter::once(": ").chain(std::iter::repeat(", ")).zip(some) {
        write!(f, "{separator}{count} {name}")?;
    }
    Ok(())
}

struct Bytes(u64);

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
        if self.0 < 1024 {
            return write!(f, "{} B", self.0);
        }
        let (mut number, mut unit) = (self.0 as f64 / 1024.0, 0);
        while number >= 1024.0 && unit + 1 < UNITS.len() {
            (number, unit) = (number / 1024.0, unit + 1);
        }
        write!(f, "{number:.1} {}", UNITS[unit])
    }
}
