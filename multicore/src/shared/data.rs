//! The bytes of shared data in one process, and the table that finds them by address.

use std::collections::BTreeMap;
use std::ops::Range;
#[cfg(processes)]
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, PoisonError, RwLock, Weak};
#[cfg(processes)]
use std::sync::{Mutex, MutexGuard};

use super::store::Bytes;
#[cfg(processes)]
use crate::error::Result;
#[cfg(processes)]
use crate::processes::client::shares::Telling;
#[cfg(processes)]
use crate::processes::worker::ready;
#[cfg(processes)]
use crate::queue::channel::Channel;
#[cfg(processes)]
use crate::shm::space::Shape;
#[cfg(processes)]
use crate::sys::sealed;

/// There are no queues without processes.
#[cfg(not(processes))]
type Channel = std::convert::Infallible;

/// One piece of memory that is shared by number, mapped.
pub(crate) struct Data {
    /// Its number in the process that made it, and in the forks of that.
    pub(crate) id: u64,
    content: Content,
    /// What it is passed on by; `None` in workers, and where there are no bytes.
    #[cfg(processes)]
    file: Option<Arc<OwnedFd>>,
    /// The pools whose supervisors have the descriptor.
    #[cfg(processes)]
    told: Mutex<Vec<Weak<Telling>>>,
}

enum Content {
    Nothing,
    /// Shared data, which nobody can change.
    Sealed(Bytes),
    #[cfg(processes)]
    Queue(Channel),
}

/// No bytes, where a page would begin: aligned for values of any type that can be shared.
#[repr(align(4096))]
pub(super) struct Nothing(pub(super) [u8; 0]);

static NOTHING: Nothing = Nothing([]);

/// The last number taken.
static LAST: AtomicU64 = AtomicU64::new(0);
/// How many there are in this process, so that a program without any pays one load for each call.
static LIVING: AtomicUsize = AtomicUsize::new(0);
/// Shared data that this process made, by the address of its first byte, with the address after its last.
static TABLE: RwLock<BTreeMap<usize, (usize, Weak<Data>)>> = RwLock::new(BTreeMap::new());
/// The queues that this process made, by their numbers.
#[cfg(processes)]
static QUEUES: RwLock<BTreeMap<u64, Weak<Data>>> = RwLock::new(BTreeMap::new());

/// Whether there is any shared data in this process.
#[inline]
pub(crate) fn any() -> bool {
    LIVING.load(Relaxed) != 0
}

impl Data {
    fn new(id: u64, content: Content, #[cfg(processes)] file: Option<Arc<OwnedFd>>) -> Arc<Data> {
        LIVING.fetch_add(1, Relaxed);
        Arc::new(Data {
            id,
            content,
            #[cfg(processes)]
            file,
            #[cfg(processes)]
            told: Mutex::default(),
        })
    }

    /// What was just made, under a new number; it is passed on by its sealed file.
    pub(super) fn made(bytes: Bytes, #[cfg(processes)] file: OwnedFd) -> Arc<Data> {
        let addresses = bytes.as_ptr_range();
        let data = Data::new(
            LAST.fetch_add(1, Relaxed) + 1,
            Content::Sealed(bytes),
            #[cfg(processes)]
            Some(Arc::new(file)),
        );
        let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
        table.insert(addresses.start.addr(), (addresses.end.addr(), Arc::downgrade(&data)));
        data
    }

    /// No bytes at all, which no process has to be sent.
    pub(crate) fn empty() -> Arc<Data> {
        Data::new(
            0,
            Content::Nothing,
            #[cfg(processes)]
            None,
        )
    }

    /// A new queue, under a new number.
    ///
    /// # Errors
    /// As [`Channel::make`].
    #[cfg(processes)]
    pub(crate) fn queue(shape: Shape) -> Result<Arc<Data>> {
        let (channel, file) = Channel::make(shape)?;
        let data = Data::new(LAST.fetch_add(1, Relaxed) + 1, Content::Queue(channel), Some(file));
        let mut queues = QUEUES.write().unwrap_or_else(PoisonError::into_inner);
        queues.insert(data.id, Arc::downgrade(&data));
        Ok(data)
    }

    /// In a worker: what another process made, under its number there. It needs the descriptor no more.
    ///
    /// # Errors
    /// As [`sealed::map`].
    #[cfg(processes)]
    pub(crate) fn sent(id: u64, file: &OwnedFd, len: usize) -> Result<Arc<Data>> {
        Ok(Data::new(id, Content::Sealed(sealed::map(file.as_fd(), len)?), None))
    }

    /// In a worker: a queue that another process made, under its number there.
    ///
    /// # Errors
    /// As [`Channel::map`].
    #[cfg(processes)]
    pub(crate) fn sent_queue(id: u64, file: OwnedFd, shape: Shape) -> Result<Arc<Data>> {
        Ok(Data::new(id, Content::Queue(Channel::map(Arc::new(file), shape)?), None))
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match &self.content {
            Content::Sealed(map) => map,
            _ => &NOTHING.0,
        }
    }

    /// The queue that this is.
    #[inline]
    pub(crate) fn channel(&self) -> Option<&Channel> {
        match &self.content {
            #[cfg(processes)]
            Content::Queue(channel) => Some(channel),
            Content::Nothing | Content::Sealed(_) => None,
        }
    }

    /// Bytes of its file.
    #[cfg(processes)]
    pub(crate) fn len(&self) -> u64 {
        self.channel().map_or(self.bytes().len() as u64, Channel::bytes)
    }

    /// Whether a call can name it, and has to.
    pub(crate) fn is_to_be_named(&self) -> bool {
        #[cfg(processes)]
        return self.file.is_some();
        #[cfg(not(processes))]
        matches!(self.content, Content::Sealed(_))
    }

    /// Whether another process can be sent it, and has to be.
    #[cfg(processes)]
    pub(crate) fn file(&self) -> Option<&OwnedFd> {
        self.file.as_deref()
    }

    #[cfg(all(test, processes))]
    pub(crate) fn shared_file(&self) -> Option<Arc<OwnedFd>> {
        self.file.clone()
    }

    #[cfg(processes)]
    pub(crate) fn told(&self) -> MutexGuard<'_, Vec<Weak<Telling>>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        LIVING.fetch_sub(1, Relaxed);
        #[cfg(processes)]
        for pool in self.told().drain(..).filter_map(|pool| pool.upgrade()) {
            pool.let_go(self.id);
        }
        if !self.is_to_be_named() {
            return;
        }
        match &self.content {
            Content::Nothing => {}
            Content::Sealed(map) => {
                let mut table = TABLE.write().unwrap_or_else(PoisonError::into_inner);
                table.remove(&map.as_ptr().addr());
            }
            #[cfg(processes)]
            Content::Queue(_) => {
                let mut queues = QUEUES.write().unwrap_or_else(PoisonError::into_inner);
                queues.remove(&self.id);
            }
        }
        #[cfg(processes)]
        if ready::in_worker() {
            // Inherited from the client by a fork. The number was closed, and may be another file's.
            std::mem::forget(self.file.take());
        }
    }
}

/// The living queue that this process made under this number.
#[cfg(processes)]
pub(crate) fn queue(id: u64) -> Option<Arc<Data>> {
    QUEUES.read().unwrap_or_else(PoisonError::into_inner).get(&id)?.upgrade()
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
