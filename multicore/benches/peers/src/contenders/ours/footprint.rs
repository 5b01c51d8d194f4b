//! What a pool takes that nobody uses: memory of its processes, pages of its region, time on a core.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use multicore::{Config, Start, Task};

use super::{IN_CLIENT, STAMP, echo, next};
use crate::contenders::WORKERS;
use crate::figure::{Figure, median};

/// Calls of the burst, and the bytes that each sends and gets back.
const CALLS: usize = 256;
const PAYLOAD: usize = 1 << 20;

/// How long the pool is watched while nobody uses it.
const IDLE: Duration = Duration::from_secs(2);

/// Within this whatever is given back later than at once is given back.
const SETTLED: Duration = Duration::from_secs(4);

/// Private memory of an idle pool's processes; the region's pages before, in and after a burst.
pub(in crate::contenders) fn memory(start: Start) -> Result<Vec<Figure>> {
    open(start)?;
    let (workers, others) = relatives()?.into_iter().partition::<Vec<_>, _>(Relative::is_worker);
    ensure!(workers.len() == WORKERS, "{} workers where there should be {WORKERS}", workers.len());
    let private = workers.iter().map(Relative::private).collect::<Result<Vec<_>>>()?;
    let mut figures = vec![Figure::kib("a worker", median(private).unwrap_or_default())];
    for relative in others {
        figures.push(Figure::kib(relative.role(), relative.private()?));
    }
    figures.push(Figure::kib("region, idle", region()?));
    figures.push(Figure::kib("region, in a burst", burst()?));
    figures.push(Figure::kib("region, right after it", region()?));
    sleep(SETTLED);
    next::call(1).get()?;
    figures.push(Figure::kib("region, later", region()?));
    Ok(figures)
}

/// Time on a core, of all processes of a pool that nobody uses; the client's is not in it.
pub(in crate::contenders) fn idle(start: Start) -> Result<Vec<Figure>> {
    open(start)?;
    let relatives = relatives()?;
    let on_core = || relatives.iter().map(Relative::on_core).sum::<Result<Duration>>();
    let before = on_core()?;
    sleep(IDLE);
    Ok(vec![Figure::us("in 2 s", on_core()?.saturating_sub(before))])
}

/// The default pool, used once and then idle.
fn open(start: Start) -> Result<()> {
    multicore::initialize_with(Config::new().workers(WORKERS).start(start))?;
    let mut task = Task::new();
    for n in 0..100 {
        task.run(next::call(n))?;
    }
    for (pid, _) in task.get()? {
        ensure!(pid != 0, IN_CLIENT);
    }
    sleep(SETTLED);
    Ok(())
}

/// The most that the region took while large calls were under way.
fn burst() -> Result<f64> {
    let (bytes, mut most) = (vec![1; PAYLOAD], 0.0_f64);
    let mut task = Task::new();
    for _ in 0..CALLS {
        task.run(echo::call(&bytes))?;
        most = most.max(region()?);
    }
    for echo in task.get()? {
        ensure!(echo[..STAMP] != [0; STAMP], IN_CLIENT);
    }
    Ok(most)
}

/// KiB of memory that the regions of this process have.
fn region() -> Result<f64> {
    let mut blocks = 0;
    for descriptor in fs::read_dir("/proc/self/fd")?.flatten() {
        let is_region = |to: std::path::PathBuf| to.to_string_lossy().contains("memfd:multicore");
        if fs::read_link(descriptor.path()).is_ok_and(is_region) {
            blocks += std::os::unix::fs::MetadataExt::blocks(&fs::metadata(descriptor.path())?);
        }
    }
    Ok(blocks as f64 / 2.0)
}

/// A process of the pool.
struct Relative {
    pid: u32,
    name: String,
}

/// All that descend from this process.
fn relatives() -> Result<Vec<Relative>> {
    let mut all = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
        let stat = pid.and_then(|pid| Some((pid, fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)));
        // "pid (name) state parent ...", and the name may hold anything.
        let Some((pid, stat)) = stat else { continue };
        let Some((head, rest)) = stat.rsplit_once(") ") else { continue };
        let name = head.split_once('(').map_or("", |(_, name)| name).to_owned();
        let parent = rest.split(' ').nth(1).and_then(|parent| parent.parse::<u32>().ok());
        all.push((parent.unwrap_or(0), Relative { pid, name }));
    }
    let (mut family, mut found) = (vec![std::process::id()], Vec::new());
    while let Some(parent) = family.pop() {
        let (children, rest) = all.into_iter().partition::<Vec<_>, _>(|(of, _)| *of == parent);
        all = rest;
        family.extend(children.iter().map(|(_, child)| child.pid));
        found.extend(children.into_iter().map(|(_, child)| child));
    }
    Ok(found)
}

impl Relative {
    fn is_worker(&self) -> bool {
        self.name.contains("worker")
    }

    /// The kernel keeps 15 bytes of a name.
    fn role(&self) -> &'static str {
        if self.name.contains(": temp") { "the template" } else { "the supervisor" }
    }

    /// KiB of memory that no other process has.
    fn private(&self) -> Result<f64> {
        let path = format!("/proc/{}/smaps_rollup", self.pid);
        let text = fs::read_to_string(&path).context(path)?;
        let private = text.lines().filter(|line| line.starts_with("Private_"));
        let sizes = private.filter_map(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
        Ok(sizes.sum())
    }

    /// How long it was on a core in its life.
    fn on_core(&self) -> Result<Duration> {
        let path = format!("/proc/{}/schedstat", self.pid);
        let text = fs::read_to_string(&path).context(path)?;
        let nanos = text.split(' ').next().and_then(|nanos| nanos.parse().ok());
        Ok(Duration::from_nanos(nanos.context("schedstat: no number")?))
    }
}
