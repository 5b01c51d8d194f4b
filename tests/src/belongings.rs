//! What a process has that a pool could leave behind.

use crate::procfs;

/// Counted before and after: the two are to be the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Belongings {
    /// Open descriptors.
    pub descriptors: usize,
    /// Mapped parts of regions.
    pub regions: usize,
    /// Its children, dead ones included.
    pub children: usize,
    /// Dead ones among its relatives.
    pub zombies: usize,
    /// All processes that come from it.
    pub relatives: usize,
}

impl Belongings {
    /// This process's, of now. In a fixture program its relatives are whoever carries the fixture's mark,
    /// elsewhere whoever is below it.
    pub fn now() -> Belongings {
        let own = std::process::id() as i32;
        let children = procfs::children(own);
        let marked = std::env::var_os(crate::fixture::FAMILY).is_some();
        let relatives = if marked { procfs::own_family() } else { procfs::relatives(own) };
        Belongings {
            descriptors: procfs::open_descriptors(),
            regions: procfs::mapped_regions(),
            children: children.len(),
            zombies: relatives.iter().filter(|relative| relative.is_zombie()).count(),
            relatives: relatives.len(),
        }
    }
}
