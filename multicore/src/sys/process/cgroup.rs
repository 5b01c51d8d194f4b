//! How much memory this process's cgroup allows.
//!
//! By hand, though `sysinfo` knows it: that first reads all that `/proc` says about the process, and
//! 0.2 ms are as long as two forks when a pool starts.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use nix::unistd::{SysconfVar, sysconf};

/// Bytes of memory that this process's cgroup allowed when this was first asked; `None` where it limits
/// nothing.
pub(crate) fn memory_of_cgroup() -> Option<u64> {
    static LIMIT: OnceLock<Option<u64>> = OnceLock::new();
    *LIMIT.get_or_init(|| {
        let groups = fs::read_to_string("/proc/self/cgroup").ok()?;
        least_limit(Path::new("/sys/fs/cgroup"), &groups).filter(|limit| *limit < memory_of_machine())
    })
}

fn memory_of_machine() -> u64 {
    let number = |variable| sysconf(variable).ok().flatten().and_then(|value| u64::try_from(value).ok());
    let pages = number(SysconfVar::_PHYS_PAGES).zip(number(SysconfVar::PAGE_SIZE));
    pages.map_or(u64::MAX, |(pages, bytes)| pages.saturating_mul(bytes))
}

/// The least limit of a group or one above it, by the list of this process's `groups` and where the
/// hierarchies are mounted; the older version's has the controller's name.
pub(in crate::sys) fn least_limit(mounts: &Path, groups: &str) -> Option<u64> {
    let limits = groups.lines().filter_map(|line| {
        let (controllers, group) = line.split_once(':')?.1.split_once(':')?;
        let (mount, file) = match controllers {
            "" => (mounts.to_owned(), "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => {
                (mounts.join("memory"), "memory.limit_in_bytes")
            }
            _ => return None,
        };
        // In a container the path may be the host's: then none of its folders is there but the last, the
        // mount itself, which is the container's group.
        let folders = Path::new(group.trim_start_matches('/')).ancestors();
        folders.filter_map(|folder| read(&mount.join(folder).join(file))).min()
    });
    limits.min()
}

/// A number of bytes; `None` for `max`.
fn read(file: &Path) -> Option<u64> {
    fs::read_to_string(file).ok()?.trim().parse().ok()
}
