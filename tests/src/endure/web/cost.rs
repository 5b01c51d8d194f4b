//! Who takes the cores while a load runs: the tool that makes it runs on the same ones.

use std::fs;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};
use nix::unistd::{SysconfVar, sysconf};

/// The cores' time until now.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    at: Instant,
    /// Of all processes of the machine.
    busy: Duration,
    /// Of this process's children that have ended: the tool's.
    tool: Duration,
}

/// The cores' time in between.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cost {
    pub(super) busy: Duration,
    pub(super) tool: Duration,
    /// All that there was to have.
    pub(super) cores: Duration,
}

impl Mark {
    pub(super) fn now() -> Mark {
        Mark { at: Instant::now(), busy: busy(), tool: children() }
    }

    /// Since then.
    pub(super) fn cost(self) -> Cost {
        let now = Mark::now();
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Cost {
            busy: now.busy.saturating_sub(self.busy),
            tool: now.tool.saturating_sub(self.tool),
            cores: (now.at - self.at) * cores as u32,
        }
    }
}

impl Cost {
    /// Shares of all cores, in per cent: of everybody, and of the tool alone.
    pub(super) fn shares(&self) -> [f64; 2] {
        [self.busy, self.tool].map(|time| 100.0 * time.as_secs_f64() / self.cores.as_secs_f64())
    }

    /// What everybody but the tool took for each of so many answers, in milliseconds of a core.
    pub(super) fn each(&self, answers: usize) -> f64 {
        self.busy.saturating_sub(self.tool).as_secs_f64() * 1e3 / answers.max(1) as f64
    }
}

/// `cpu user nice system idle iowait irq softirq steal ..`, in clock ticks.
fn busy() -> Duration {
    let text = fs::read_to_string("/proc/stat").expect("/proc is mounted");
    let line = text.lines().next().unwrap_or_default();
    let ticks = line.split_whitespace().skip(1).map(|number| number.parse::<u64>().unwrap_or(0));
    let working = [0, 1, 2, 5, 6];
    let ticks: u64 = ticks.enumerate().filter(|(at, _)| working.contains(at)).map(|(_, ticks)| ticks).sum();
    let second = sysconf(SysconfVar::CLK_TCK).ok().flatten().unwrap_or(100);
    Duration::from_secs_f64(ticks as f64 / second as f64)
}

fn children() -> Duration {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN).expect("this process's children");
    let times = [usage.user_time(), usage.system_time()];
    times
        .iter()
        .map(|time| Duration::from_micros(time.tv_sec() as u64 * 1_000_000 + time.tv_usec() as u64))
        .sum()
}
