//! Whether anybody else used the machine while a sample was taken.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::unistd::{SysconfVar, sysconf};

/// A look at the machine's clocks, before a sample.
pub struct Watch {
    start: Instant,
    busy: Duration,
    cores: f64,
    children: Duration,
}

impl Watch {
    /// Looks now.
    ///
    /// # Errors
    /// Where /proc/stat does not say how busy the machine is.
    pub fn start() -> Result<Watch> {
        let (busy, cores) = machine()?;
        Ok(Watch { start: Instant::now(), busy, cores, children: children()? })
    }

    /// The share of the machine, 0 to 1, that others than this process's ended children have had since.
    ///
    /// # Errors
    /// As [`start`](Watch::start).
    pub fn others(&self) -> Result<f64> {
        let elapsed = self.start.elapsed().as_secs_f64() * self.cores;
        let busy = machine()?.0.saturating_sub(self.busy);
        let own = children()?.saturating_sub(self.children);
        Ok(busy.saturating_sub(own).as_secs_f64() / elapsed)
    }
}

/// How long the cores were busy since the machine started, time stolen from them included; how many.
fn machine() -> Result<(Duration, f64)> {
    let stat = fs::read_to_string("/proc/stat").context("/proc/stat")?;
    let cores = stat.lines().filter(|line| line.starts_with("cpu") && !line.starts_with("cpu ")).count();
    let all =
        stat.lines().next().and_then(|line| line.strip_prefix("cpu ")).context("/proc/stat: no total")?;
    let ticks = all.split_whitespace().map(str::parse).collect::<Result<Vec<u64>, _>>();
    let ticks = ticks.context("/proc/stat: a total that is no number")?;
    // user nice system idle iowait irq softirq steal; guest time is in user time already.
    let busy: u64 = [0, 1, 2, 5, 6, 7].into_iter().filter_map(|field| ticks.get(field)).sum();
    let per_second = sysconf(SysconfVar::CLK_TCK)?.context("the kernel's tick is unknown")?;
    Ok((Duration::from_secs_f64(busy as f64 / per_second as f64), cores as f64))
}

/// How long this process's children that have ended, and theirs, were on a core.
fn children() -> Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(Duration::from_micros(micros.unsigned_abs()))
}
