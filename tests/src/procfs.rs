//! What the kernel says about processes.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// One process as `/proc/<pid>/stat` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stat {
    /// Its number.
    pub pid: i32,
    /// Its parent's number.
    pub parent: i32,
    /// The name that it gave itself.
    pub name: String,
    /// `Z` for a zombie.
    pub state: char,
    /// Time on a core, its own and the kernel's, in clock ticks.
    pub ticks: u64,
    /// When it started: with the number, this is one process and no other.
    pub started: u64,
}

impl Stat {
    /// Whether it has ended and nobody collected it.
    pub fn is_zombie(&self) -> bool {
        matches!(self.state, 'Z' | 'X')
    }

    /// Whether this very process, and not another of its number, still runs.
    pub fn lives(&self) -> bool {
        stat(self.pid).is_some_and(|now| now.started == self.started && !now.is_zombie())
    }
}

/// One process; `None` when there is none of this number.
pub fn stat(pid: i32) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // "pid (name) state ppid ...", and the name may contain anything.
    let (head, rest) = text.rsplit_once(") ")?;
    let fields: Vec<_> = rest.split(' ').collect();
    let number = |at: usize| fields.get(at)?.parse::<u64>().ok();
    Some(Stat {
        pid,
        parent: fields.get(1)?.parse().ok()?,
        name: head.split_once('(')?.1.to_owned(),
        state: fields.first()?.chars().next()?,
        ticks: number(11)? + number(12)?,
        started: number(19)?,
    })
}

/// All processes of the machine.
pub fn all() -> Vec<Stat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| stat(entry.file_name().to_str()?.parse().ok()?)).collect()
}

/// The processes whose parent this is, dead ones included.
pub fn children(parent: i32) -> Vec<Stat> {
    all().into_iter().filter(|stat| stat.parent == parent).collect()
}

/// The processes whose environment, inherited or passed on, holds this variable and value; and those
/// below them, dead ones included.
pub fn family(marker: &str) -> Vec<Stat> {
    let marked = |stat: &Stat| {
        let environment = fs::read(format!("/proc/{}/environ", stat.pid)).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|variable| variable == marker.as_bytes())
    };
    closure(marked)
}

/// All processes of the fixture that this process is.
///
/// # Panics
/// When it is none.
pub fn own_family() -> Vec<Stat> {
    let marker = std::env::var(crate::fixture::FAMILY).expect("only in a fixture program");
    family(&format!("{}={marker}", crate::fixture::FAMILY))
}

/// The processes of this process's pools, and everything below them.
pub fn relatives(client: i32) -> Vec<Stat> {
    closure(|stat| stat.parent == client)
}

fn closure(wanted: impl Fn(&Stat) -> bool) -> Vec<Stat> {
    let all = all();
    let mut found: Vec<Stat> = all.iter().filter(|stat| wanted(stat)).cloned().collect();
    loop {
        let known = |pid| found.iter().any(|stat| stat.pid == pid);
        let more: Vec<_> =
            all.iter().filter(|stat| !known(stat.pid) && known(stat.parent)).cloned().collect();
        if more.is_empty() {
            return found;
        }
        found.extend(more);
    }
}

/// How many descriptors this process has open.
pub fn open_descriptors() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}

/// How many descriptors of this file a process has open.
pub fn has_open(pid: i32, file: &Path) -> usize {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    descriptors.filter(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == file)).count()
}

/// How much memory of a process is resident, shared memory included, in KiB; 0 when there is none.
pub fn resident(pid: i32) -> u64 {
    kibibytes(pid, "VmRSS:")
}

/// How much memory of its own a process has resident, in KiB; 0 when there is none.
pub fn own_memory(pid: i32) -> u64 {
    kibibytes(pid, "RssAnon:")
}

fn kibibytes(pid: i32, name: &str) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok()).unwrap_or(0)
}

/// The cores that a process may run on; none when there is no such process.
pub fn cores(pid: i32) -> Vec<usize> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let list = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:")).unwrap_or_default();
    let ranges = list.trim().split(',').filter_map(|range| {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        Some(first.parse().ok()?..=last.parse().ok()?)
    });
    ranges.flatten().collect()
}

/// How many parts of regions this process has mapped.
pub fn mapped_regions() -> usize {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    maps.lines().filter(|line| line.contains("memfd:multicore")).count()
}

/// How many bytes of memory the regions of this process have.
pub fn region_memory() -> u64 {
    let descriptors = fs::read_dir("/proc/self/fd").into_iter().flatten().flatten();
    let regions = descriptors.filter(|entry| {
        fs::read_link(entry.path()).is_ok_and(|target| target.to_string_lossy().contains("memfd:multicore"))
    });
    regions.filter_map(|entry| fs::metadata(entry.path()).ok()).map(|data| data.blocks() * 512).sum()
}
