//! The bytes of shared data in one process, and the table that finds them by address.

use std::collections::BTreeMap;
use std::mem;
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak};

use memmap2::Mmap;

use crate::error::Result;
use crate::processes::client::shares::Telling;
use crate::processes::worker::ready;
use crate::sys::sealed;

/// One piece of shared data, mapped.
pub(crate) struct Data {
    /// Its number in the process that made it, and in the forks of that.
    pub(crate) id: u64,
    /// `None` where there are no bytes.
    map: Option<Mmap>,
    /// What it is passed on by; `None` in workers, and where there are no bytes.
    file: Option<OwnedFd>,
    /// The pools whose supervisors have the descriptor.
    told: Mutex<Vec<Weak<Telling>>>,
}

/// No bytes, where a page would begin: aligned for values of any type that can be shared.
#[repr(align(4096))]
pub(super) struct Nothing(pub(super) [u8; 0]);

static NOTHING: Nothing = Nothing([]);

/// The last number taken.
static LAST: AtomicU64 = AtomicU64::new(0);
/// How many there are in this process, so that a program without any pays one load for each call.
static LIVING: AtomicUsize = AtomicUsize::new(0);
/// Those that this process made, by their first byte's address, with the address after their last.
static TABLE: RwLock<BTreeMap<usize, (usize, Weak<Data>)>> = RwLock::new(BTreeMap::new());

/// Whether there is any shared data in this process.
#[inline]
pub(crate) fn any() -> bool {
    LIVING.load(Relaxed) != 0
}

impl Data {
    fn new(id: u64, map: Option<Mmap>, file: Option<OwnedFd>) -> Arc<Data> {
        LIVING.fetch_add(1, Relaxed);
        Arc::new(Data { id, map, file, told: Mutex::default() })
    }

    /// The content of a sealed file, under a new number.
    ///
    /// # Errors
    /// As [`sealed::map`].
    pub(crate) fn of(file: OwnedFd, len: usize) -> Result<Arc<Data>> {
        let map = sealed::map(file.as_fd(), len)?;
        let addresses = map.as_ptr_range();
        let data = Data::new(LAST.fetch_add(1, Relaxed) + 1, Some(map), Some(file));
        let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
        table.insert(addresses.start.addr(), (addresses.end.addr(), Arc::downgrade(&data)));
        Ok(data)
    }

    /// No bytes at all, which no process has to be sent.
    pub(crate) fn empty() -> Arc<Data> {
        Data::new(0, None, None)
    }

    /// In a worker: what another process made, under its number there. It needs the descriptor no more.
    ///
    /// # Errors
    /// As [`sealed::map`].
    pub(crate) fn sent(id: u64, file: &OwnedFd, len: usize) -> Result<Arc<Data>> {
        Ok(Data::new(id, Some(sealed::map(file.as_fd(), len)?), None))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        self.map.as_deref().unwrap_or(&NOTHING.0)
    }

    /// Whether another process can be sent it, and has to be.
    pub(crate) fn file(&self) -> Option<&OwnedFd> {
        self.file.as_ref()
    }

    pub(crate) fn told(&self) -> MutexGuard<'_, Vec<Weak<Telling>>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        LIVING.fetch_sub(1, Relaxed);
        for pool in self.told().drain(..).filter_map(|pool| pool.upgrade()) {
            pool.let_go(self.id);
        }
        let Some(file) = self.file.take() else { return };
        if let Some(map) = &self.map {
            let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
            table.remove(&map.as_ptr().addr());
        }
        if ready::in_worker() {
            // Inherited from the client by a fork. The number was closed, and may be another file's.
            mem::forget(file);
        }
    }
}

/// The living data that these bytes are a part of, and where in it they stand.
pub(crate) fn around(bytes: &[u8]) -> Option<(Arc<Data>, Range<usize>)> {
    let table = TABLE.read().unwrap_or_else(PoisonError::into_inner);
    let wanted = bytes.as_ptr_range();
    let (start, (end, data)) = table.range(..=wanted.start.addr()).next_back()?;
    if wanted.end.addr() > *end {
        return None;
    }
    let at = wanted.start.addr() - start;
    Some((data.upgrade()?, at..at + bytes.len()))
}
