//! A queue of bytes in shared memory, as one process has it.
//!
//! No code of the user's runs between the claim of a cell and its end: items are encoded before, and decoded
//! after.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use nix::fcntl::SealFlag;

use super::Blocked;
use super::owner::Identity;
use crate::error::{Error, Result};
use crate::processes::map::File;
use crate::processes::spin::{Patience, Spin};
use crate::processes::worker::ready;
use crate::shm::bell::Bell;
use crate::shm::region::{Pages, futex_half};
use crate::shm::ring::{NoTurn, Turn};
use crate::shm::space::{OWNERS, Shape, Space, Unread};
use crate::sys::fault::point;
use crate::sys::fork_guard::{self, Token};
use crate::sys::memory::in_large_pages;
use crate::sys::{futex, memfd, process};

/// One queue, mapped.
pub(crate) struct Channel {
    pub(super) space: Space,
    pub(super) spin: Spin,
    /// This process's place in the table, plus one, below the number of its token: a fork takes its own.
    place: AtomicU64,
    /// When this process last looked for the dead, as a producer and as a consumer.
    pub(super) looked: [AtomicU64; 2],
}

/// Bits of a place.
const PLACE_BITS: u32 = 16;

/// The memory's descriptor. A worker that inherited it by a fork had it closed: its number may mean another
/// file there.
struct Memory {
    file: File,
    made_in: Token,
}

impl Memory {
    fn file(&self) -> Option<&File> {
        let closed = ready::in_worker() && fork_guard::in_forked_child(self.made_in);
        (!closed).then_some(&self.file)
    }
}

impl Pages for Memory {
    fn provide(&self, offset: usize, len: usize) -> io::Result<()> {
        self.file().ok_or(io::ErrorKind::Unsupported)?.provide(offset, len)
    }

    fn write(&self, offset: usize, bytes: &[u8]) -> io::Result<()> {
        self.file().ok_or(io::ErrorKind::Unsupported)?.write(offset, bytes)
    }

    fn release(&self, offset: usize, len: usize) -> io::Result<()> {
        self.file().ok_or(io::ErrorKind::Unsupported)?.release(offset, len)
    }

    fn is_written(&self, offset: usize, len: usize) -> bool {
        self.file().is_none_or(|file| file.is_written(offset, len))
    }
}

impl Channel {
    /// Makes a queue, and the file that other processes get it by.
    ///
    /// # Errors
    /// `Os`.
    pub(crate) fn make(shape: Shape) -> Result<(Channel, Arc<OwnedFd>)> {
        let total = shape.total().ok_or_else(|| refused("mmap", libc::ENOMEM))?;
        // Half of what is allowed is left to the program.
        if memfd::address_space_left().is_some_and(|left| total as u64 > left / 2) {
            return Err(refused("mmap", libc::ENOMEM));
        }
        let file = Arc::new(memfd::create(c"multicore-queue")?);
        memfd::set_len(file.as_fd(), total as u64)?;
        memfd::seal_size(file.as_fd())?;
        let channel = Channel::map(file.clone(), shape)?;
        channel.space.provide_front().map_err(|error| Error::os("fallocate", error))?;
        Ok((channel, file))
    }

    /// Maps a queue that this or another process made.
    ///
    /// # Errors
    /// `Os`; also when the file is smaller than the shape says or could still shrink.
    pub(crate) fn map(file: Arc<OwnedFd>, shape: Shape) -> Result<Channel> {
        let total = shape.total().ok_or_else(|| refused("mmap", libc::EINVAL))?;
        let seals = memfd::seals(file.as_fd())?;
        if memfd::len(file.as_fd())? < total as u64 || !seals.contains(SealFlag::F_SEAL_SHRINK) {
            return Err(refused("mmap", libc::EINVAL));
        }
        let map = memfd::map(file.as_fd(), total)?;
        let memory = Memory { file: File(file), made_in: fork_guard::token() };
        let space = Space::over(map, shape, Box::new(memory)).map_err(|error| Error::os("mmap", error))?;
        let cores = process::usable_cpus().map_or(1, |cpus| cpus.len());
        let spin = Spin::new(Patience { asked: None, cores });
        Ok(Channel { space, spin, place: AtomicU64::new(0), looked: Default::default() })
    }

    pub(crate) fn shape(&self) -> Shape {
        self.space.shape()
    }

    /// Bytes of its file that it takes.
    pub(crate) fn bytes(&self) -> u64 {
        self.shape().total().unwrap_or(0) as u64
    }

    /// This process's place in the table, which it takes at first use.
    #[inline]
    pub(super) fn place(&self) -> Result<u16> {
        let (place, token) = (self.place.load(Acquire), fork_guard::token().number());
        if place >> PLACE_BITS == token {
            return Ok((place & ((1 << PLACE_BITS) - 1)) as u16 - 1);
        }
        self.enter(place, token)
    }

    #[cold]
    fn enter(&self, before: u64, token: u64) -> Result<u16> {
        let own = Identity::own();
        let take = || (0..OWNERS).find(|at| self.swap_owner(*at, Identity(0), own));
        let at = match take() {
            Some(at) => at,
            None => {
                self.bury_the_dead();
                take().ok_or_else(|| {
                    Error::refused(format!(
                        "{OWNERS} processes use this queue already; give others one of their own"
                    ))
                })?
            }
        };
        let place = token << PLACE_BITS | (at as u64 + 1);
        match self.place.compare_exchange(before, place, Release, Relaxed) {
            Ok(_) => Ok(at as u16),
            // Another thread was faster.
            Err(_) => {
                self.swap_owner(at, own, Identity(0));
                self.place()
            }
        }
    }

    pub(super) fn swap_owner(&self, at: usize, from: Identity, to: Identity) -> bool {
        self.space.owners()[at].identity.compare_exchange(from.0, to.0, AcqRel, Relaxed).is_ok()
    }

    /// Puts an item in, if there is room.
    #[inline]
    pub(super) fn fill(&self, bytes: &[u8], owner: u16) -> Result<(), Blocked> {
        let ring = self.space.ring();
        loop {
            let turn = ring.fill(owner).inspect_err(|why| {
                if *why == NoTurn::Closed {
                    // Who waits for a cell that was claimed and is skipped.
                    self.wake(&self.space.items());
                }
            })?;
            point("queue-filling");
            if let Err(why) = self.space.write(turn.cell, bytes) {
                ring.skip(turn);
                self.wake(&self.space.items());
                self.wake(&self.space.room());
                return Err(Error::os("fallocate", why).into());
            }
            point("queue-filled");
            let stands = ring.commit(turn);
            point("queue-pushed");
            self.wake(&self.space.items());
            self.pass_on(&self.space.room(), || ring.has_room());
            // Not if somebody took this process for dead: then nobody has the item.
            if stands {
                return Ok(());
            }
        }
    }

    /// Takes an item out, if there is one.
    #[inline]
    pub(super) fn take(&self, owner: u16) -> Result<Vec<u8>, Blocked> {
        loop {
            let turn = self.space.ring().take(owner)?;
            point("queue-taking");
            if let Some(item) = self.empty(turn) {
                return item;
            }
        }
    }

    /// Takes the item out of a cell that this process has claimed; `None` if others took it for dead.
    pub(super) fn empty(&self, turn: Turn) -> Option<Result<Vec<u8>, Blocked>> {
        let ring = self.space.ring();
        let item = self.space.read(turn.cell, in_large_pages);
        self.space.cool(turn.cell);
        point("queue-taken");
        let released = ring.release(turn);
        point("queue-popped");
        self.wake(&self.space.room());
        self.pass_on(&self.space.items(), || ring.has_item());
        released.then(|| {
            item.map_err(|why| match why {
                Unread::Forged => Blocked::Broken,
                Unread::NoMemory => refused("malloc", libc::ENOMEM).into(),
            })
        })
    }

    /// Nothing more is accepted; everybody who sleeps wakes up.
    pub(crate) fn close(&self) {
        self.space.ring().close();
        for bell in [self.space.items(), self.space.room()] {
            bell.ring();
            futex::wake(futex_half(bell.rings), i32::MAX);
        }
    }

    /// A position is ready: wakes one that sleeps for it; or all, if it may have been the last one, because who
    /// finds nothing more passes nothing on.
    #[inline]
    pub(super) fn wake(&self, bell: &Bell<'_, AtomicU64>) {
        if bell.ring() {
            futex::wake(futex_half(bell.rings), if self.is_closed() { i32::MAX } else { 1 });
        }
    }

    /// A position was claimed: wakes one that sleeps for the next, if that is ready.
    #[inline]
    fn pass_on(&self, bell: &Bell<'_, AtomicU64>, ready: impl FnOnce() -> bool) {
        if bell.is_heard() && ready() {
            self.wake(bell);
        }
    }
}

impl Drop for Channel {
    /// Gives the place in the table back; a fork's copy of its parent's stays.
    fn drop(&mut self) {
        let place = *self.place.get_mut();
        if place != 0 && place >> PLACE_BITS == fork_guard::token().number() {
            let at = (place & ((1 << PLACE_BITS) - 1)) as usize - 1;
            self.space.owners()[at].identity.store(0, Release);
        }
    }
}

fn refused(call: &'static str, errno: i32) -> Error {
    Error::os(call, io::Error::from_raw_os_error(errno))
}
