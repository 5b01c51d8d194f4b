//! What the prototype and the limits stand on: memory that a fork shares, a futex, a fork.

#![allow(unsafe_code, reason = "the bare machine is what is measured")]

use std::fs::File;
use std::ops::Deref;
use std::ptr;
use std::sync::atomic::AtomicU32;

use anyhow::{Context, Result, bail};
use bytemuck::Zeroable;
use memmap2::{MmapOptions, MmapRaw};
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::wait::waitpid;
use nix::unistd::{ForkResult, Pid};

/// Bytes in a memfd that processes forked later share.
pub struct Memory(MmapRaw);

impl Memory {
    /// So many bytes of zeroes; a page of them comes when it is first touched.
    pub fn new(len: usize) -> Result<Memory> {
        let file: File = memfd_create(c"peers", MFdFlags::MFD_CLOEXEC).context("memfd_create")?.into();
        file.set_len(len as u64)?;
        Ok(Memory(MmapOptions::new().len(len).no_reserve_swap().map_raw(&file)?))
    }

    /// Writes at the memory's start.
    ///
    /// No other process may use that part of the memory meanwhile; a wrong figure would come of it.
    pub fn write(&self, bytes: &[u8]) {
        self.write_at(0, bytes);
    }

    /// As [`write`](Memory::write), from so many bytes after the start.
    pub fn write_at(&self, offset: usize, bytes: &[u8]) {
        assert!(offset.checked_add(bytes.len()).is_some_and(|end| end <= self.0.len()));
        let to = self.0.as_mut_ptr().wrapping_add(offset);
        // SAFETY: as many bytes are mapped there, `bytes` lies elsewhere (in memory of this process, or
        // in another mapping), and no value of a byte is wrong.
        unsafe { ptr::copy_nonoverlapping(bytes.as_ptr(), to, bytes.len()) };
    }

    /// Appends the memory's first `len` bytes to `buffer`. The same holds as for [`write`](Memory::write).
    pub fn read(&self, len: usize, buffer: &mut Vec<u8>) {
        buffer.extend_from_slice(self.bytes(len));
    }

    /// Copies the first `len` bytes from another memory. The same holds as for [`write`](Memory::write).
    pub fn copy_from(&self, other: &Memory, len: usize) {
        self.write(other.bytes(len));
    }

    /// The first `len` bytes. The same holds as for [`write`](Memory::write).
    pub fn bytes(&self, len: usize) -> &[u8] {
        assert!(len <= self.0.len());
        // SAFETY: as many bytes are mapped. That nobody writes to them meanwhile is the state word's
        // doing: one side alone uses the memory between two of its changes.
        unsafe { std::slice::from_raw_parts(self.0.as_ptr(), len) }
    }
}

/// A value of atomics in memory that processes forked later share.
pub struct Common<T> {
    memory: Memory,
    _value: std::marker::PhantomData<T>,
}

impl<T: Zeroable + Sync> Common<T> {
    /// A value that is zero in all its parts.
    pub fn new() -> Result<Self> {
        Ok(Common { memory: Memory::new(size_of::<T>())?, _value: std::marker::PhantomData })
    }
}

impl<T: Zeroable + Sync> Deref for Common<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: `new` mapped as many bytes, at a page's start; zeroes are a `T` (`Zeroable`), and what
        // other processes change they change through `&T`, as other threads would (`Sync`).
        unsafe { &*self.memory.0.as_ptr().cast::<T>() }
    }
}

/// Sleeps while the word is `expected`; may return sooner.
pub fn futex_wait(word: &AtomicU32, expected: u32) {
    let forever = ptr::null::<libc::timespec>();
    // SAFETY: a live, aligned word that the kernel reads; a null timeout is none.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAIT, expected, forever) };
}

/// Wakes one who sleeps on the word.
pub fn futex_wake(word: &AtomicU32) {
    // SAFETY: a live, aligned word of which the kernel uses the address.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), libc::FUTEX_WAKE, 1) };
}

/// A process that runs a function and ends with this value.
pub struct Child(Pid);

impl Child {
    /// Forks this process, which must have one thread.
    pub fn fork(run: impl FnOnce()) -> Result<Child> {
        if std::fs::read_dir("/proc/self/task")?.count() != 1 {
            bail!("this process has several threads, and a fork would copy one of them");
        }
        // SAFETY: just checked that there is one thread, so no lock stays closed in the child.
        match unsafe { nix::unistd::fork() }? {
            ForkResult::Parent { child } => Ok(Child(child)),
            ForkResult::Child => {
                let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    // Nobody is left behind when a run is ended from outside.
                    let _ = nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL);
                    run();
                }));
                // SAFETY: ends the process; nothing after it can observe anything.
                unsafe { libc::_exit(i32::from(outcome.is_err())) }
            }
        }
    }
}

#[cfg(feature = "peers")]
impl Child {
    /// Waits until it has ended by itself.
    pub fn join(self) {
        let _ = waitpid(self.0, None);
        std::mem::forget(self);
    }
}

impl Drop for Child {
    /// Ends and collects it.
    fn drop(&mut self) {
        let _ = nix::sys::signal::kill(self.0, nix::sys::signal::Signal::SIGKILL);
        let _ = waitpid(self.0, None);
    }
}
