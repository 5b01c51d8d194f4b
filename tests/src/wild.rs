//! What no safe code can do: with the one function of `bin/clocks.rs`, which must stand in its program, all unsafe code
//! in the tests.

#![allow(unsafe_code)]

pub mod clock;
pub mod queue;
pub mod refusal;
pub mod region;
pub mod shared;

use std::fs::File;
use std::os::fd::IntoRawFd;
use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicI32, Ordering};

use multicore::__private::inventory::{ErasedNode, Node};
use multicore::__private::{Codec, Declared, Entry, Registered, UnsafeCell};
use nix::fcntl::OFlag;
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};
use nix::unistd::pipe2;

/// Stores where nothing is mapped: the kernel sends a real SIGSEGV.
#[multicore::task]
pub fn bad_store() -> u64 {
    // SAFETY: none: this is the fault that the test is about. Page 0 is never mapped, so the store
    // ends the process and changes nothing; volatile, so that the compiler leaves it in.
    unsafe { ptr::without_provenance_mut::<u64>(8).write_volatile(1) };
    0
}

/// The elements of a borrowed result where they lie.
pub fn in_place<R: multicore::InPlace>(borrowed: &multicore::Borrowed<R>) -> &[R::Item] {
    // SAFETY: the pools of the tests that call this have no worker that writes where it should not.
    unsafe { borrowed.as_slice_unchecked() }
}

/// Prints a line as a C library does.
pub fn print_in_c(line: &std::ffi::CStr) {
    // SAFETY: the text ends in a NUL, and C only reads it.
    unsafe { libc::puts(line.as_ptr()) };
}

/// Has SIGINT end this process, whatever it inherited: a shell starts what runs behind it with SIGINT ignored.
pub fn heed_sigint() {
    // SAFETY: no handler is installed, only the default restored.
    unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
}

/// Has this run when the program exits; what is registered later runs earlier.
///
/// # Panics
/// When there is no room for another.
pub fn at_exit(last: extern "C" fn()) {
    // SAFETY: `last` is a function of this executable, which stays loaded until the end.
    assert_eq!(unsafe { libc::atexit(last) }, 0, "atexit");
}

/// Has SIGTERM ignored from now on.
pub fn ignore_sigterm() {
    // SAFETY: no handler is installed, only the signal ignored.
    unsafe { libc::signal(libc::SIGTERM, libc::SIG_IGN) };
}

/// Forks this process as a user's own code may; the child runs `child` and ends with its code.
///
/// # Panics
/// When the kernel refuses.
pub fn fork(child: impl FnOnce() -> i32) -> i32 {
    // SAFETY: glibc makes its own locks usable in the child, and `child` uses no other lock that a
    // second thread could have held: callers have one thread, or none that holds one.
    match unsafe { libc::fork() } {
        -1 => panic!("fork: {}", std::io::Error::last_os_error()),
        0 => {
            let code = child();
            // SAFETY: ends the process.
            unsafe { libc::_exit(code) }
        }
        pid => pid,
    }
}

/// A pipe as C programs make it: both ends pass to whatever is started. Reading end first; both have
/// numbers that no process of a pool uses for anything else.
///
/// # Panics
/// When the kernel refuses.
pub fn inheritable_pipe() -> [std::os::fd::OwnedFd; 2] {
    use std::os::fd::FromRawFd;
    let mut ends = [0; 2];
    // SAFETY: `ends` has room for two descriptors.
    assert_eq!(unsafe { libc::pipe(ends.as_mut_ptr()) }, 0, "pipe");
    ends.map(|end| {
        // SAFETY: passes no memory; makes a descriptor.
        let high = unsafe { libc::fcntl(end, libc::F_DUPFD, 500) };
        // SAFETY: `pipe` made the descriptor, and only this place saw it.
        drop(unsafe { std::os::fd::OwnedFd::from_raw_fd(end) });
        assert!(high >= 500, "fcntl: {}", std::io::Error::last_os_error());
        // SAFETY: `fcntl` made the descriptor, and only this place saw it.
        unsafe { std::os::fd::OwnedFd::from_raw_fd(high) }
    })
}

/// A thread that can be sent a signal which does nothing, while it runs.
#[derive(Clone, Copy)]
pub struct Thread(libc::pthread_t);

impl Thread {
    /// The calling thread.
    pub fn this() -> Thread {
        extern "C" fn nothing(_signal: libc::c_int) {}
        let nothing: extern "C" fn(libc::c_int) = nothing;
        // SAFETY: the handler does nothing, so it is safe at any moment.
        unsafe { libc::signal(libc::SIGUSR1, nothing as libc::sighandler_t) };
        // SAFETY: passes no memory.
        Thread(unsafe { libc::pthread_self() })
    }

    /// Interrupts whatever it waits for. Callers see to it that the thread still runs.
    pub fn interrupt(self) {
        // SAFETY: the thread still runs, and its handler does nothing.
        unsafe { libc::pthread_kill(self.0, libc::SIGUSR1) };
    }
}

/// Installs one handler for all of these signals, which writes the number of what comes to a pipe; its
/// reading end, which never blocks.
///
/// # Panics
/// When the kernel refuses.
pub fn catch(signals: &[Signal]) -> File {
    static WRITER: AtomicI32 = AtomicI32::new(-1);
    extern "C" fn write(signal: libc::c_int) {
        let byte = signal as u8;
        // SAFETY: `byte` is one readable byte, and `write` is safe in a handler.
        unsafe { libc::write(WRITER.load(Ordering::SeqCst), ptr::from_ref(&byte).cast(), 1) };
    }
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC | OFlag::O_NONBLOCK).expect("a pipe");
    WRITER.store(writer.into_raw_fd(), Ordering::SeqCst);
    for &signal in signals {
        let action = SigAction::new(SigHandler::Handler(write), SaFlags::SA_RESTART, SigSet::empty());
        // SAFETY: the handler does nothing that is not safe in one.
        unsafe { sigaction(signal, &action) }.expect("a handler");
    }
    File::from(reader)
}

/// Closes a standard descriptor of this process, as daemons do.
pub fn close(number: i32) {
    assert!((0..3).contains(&number), "nobody owns a standard descriptor");
    // SAFETY: passes no memory; nothing in this process counts on a standard descriptor.
    unsafe { libc::close(number) };
}

/// Makes this process one of a user that has no other process. Only root may.
///
/// # Panics
/// When the kernel refuses.
pub fn become_user(id: u32) {
    // SAFETY: passes no memory.
    assert_eq!(unsafe { libc::setuid(id) }, 0, "setuid: {}", std::io::Error::last_os_error());
}

/// The user that this process runs as.
pub fn user() -> u32 {
    // SAFETY: passes no memory, and cannot fail.
    unsafe { libc::getuid() }
}

static STRANGER: Entry = Entry::new(Declared {
    name: Some("stranger"),
    type_name: || "stranger",
    signature: "() -> ()",
    package: None,
    version: None,
    place: std::panic::Location::caller(),
    timeout: None,
    retries: 0,
    isolate: false,
    codec: Codec::Bincode,
    run: |_| Ok(()),
});

/// Adds a task to this process's table, as generated code does before `main`: a process that is
/// exec'd later, and never comes to `main`, lacks it.
pub fn register_stranger() {
    static NODE: Node = Node { value: &Registered::Task(&STRANGER), next: UnsafeCell::new(None) };
    static ONCE: Once = Once::new();
    // SAFETY: once, as the list asks; the value is the node's own.
    ONCE.call_once(|| unsafe { ErasedNode::submit(NODE.value, &NODE) });
}

/// Adds two tasks of one name.
pub fn register_twins() {
    static NODE: Node = Node { value: &Registered::Task(&STRANGER), next: UnsafeCell::new(None) };
    static ONCE: Once = Once::new();
    register_stranger();
    // SAFETY: once, as the list asks; the value is the node's own.
    ONCE.call_once(|| unsafe { ErasedNode::submit(NODE.value, &NODE) });
}

/// Starts a thread before `main`, as some C libraries do when they are loaded, if `EARLY_THREAD` is set.
extern "C" fn early_thread() {
    extern "C" fn sleep_for_ever(_nothing: *mut libc::c_void) -> *mut libc::c_void {
        loop {
            // SAFETY: passes no memory.
            unsafe { libc::sleep(1000) };
        }
    }
    // SAFETY: the name ends in a NUL, and nobody changes the environment before `main`.
    let wanted = unsafe { libc::getenv(c"EARLY_THREAD".as_ptr()) };
    let mut thread = 0;
    if !wanted.is_null() {
        // SAFETY: the thread's function has the right signature and needs nothing.
        unsafe { libc::pthread_create(&mut thread, std::ptr::null(), sleep_for_ever, std::ptr::null_mut()) };
    }
}

// SAFETY: the section is an array of functions that the loader calls once each before `main`; this is one.
#[used]
#[unsafe(link_section = ".init_array")]
static EARLY_THREAD: extern "C" fn() = early_thread;

/// A descriptor that becomes readable when the process ends; `None` when there is no such process.
pub fn pidfd(pid: i32) -> Option<std::os::fd::OwnedFd> {
    use std::os::fd::FromRawFd;
    // SAFETY: passes no memory; makes a descriptor.
    let number = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    // SAFETY: the kernel made the descriptor, and only this place saw it.
    (number >= 0).then(|| unsafe { std::os::fd::OwnedFd::from_raw_fd(number as i32) })
}

/// A call of a task that is in nobody's table.
pub fn stranger() -> multicore::Call<'static, ()> {
    multicore::__private::call(&STRANGER, (), |(), _| Ok(()), |()| (), |_| Ok(()))
}

/// Makes one call of the kernel; 0, or the error's number. What it made besides stays.
///
/// Callers see to it that the call writes to no memory of this process.
pub fn kernel_call(number: libc::c_long, arguments: [u64; 6]) -> i32 {
    let [a, b, c, d, e, f] = arguments;
    // SAFETY: no call that callers make is given memory to write to; a bad address is refused.
    let returned = unsafe { libc::syscall(number, a, b, c, d, e, f) };
    if returned == 0 && [libc::SYS_clone, SYS_FORK].contains(&number) {
        // SAFETY: ends the process that was just made.
        unsafe { libc::_exit(0) };
    }
    if returned == -1 { std::io::Error::last_os_error().raw_os_error().unwrap_or(0) } else { 0 }
}

/// `fork` where there is one.
#[cfg(target_arch = "x86_64")]
pub const SYS_FORK: libc::c_long = libc::SYS_fork;
/// As above: none.
#[cfg(not(target_arch = "x86_64"))]
pub const SYS_FORK: libc::c_long = libc::SYS_clone;

/// Writes to a descriptor of this number; whether all of it went.
pub fn write_to_number(descriptor: i32, bytes: &[u8]) -> bool {
    // SAFETY: the bytes are a live slice's; a number under which nothing is open is refused.
    unsafe { libc::write(descriptor, bytes.as_ptr().cast(), bytes.len()) == bytes.len() as isize }
}

/// This worker's region, as it was mapped before its first call: its address and its length in bytes.
pub fn own_region() -> (usize, usize) {
    *REGION.get().expect("a worker's start function found it")
}

static REGION: std::sync::OnceLock<(usize, usize)> = std::sync::OnceLock::new();

#[multicore::worker_start]
fn find_region() {
    let maps = std::fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let line = maps.lines().find(|line| line.contains("memfd:multicore")).unwrap_or_default();
    let range = line.split(' ').next().and_then(|range| range.split_once('-')).unwrap_or_default();
    let [start, end] = [range.0, range.1].map(|text| usize::from_str_radix(text, 16).unwrap_or(0));
    let _ = REGION.set((start, end - start));
}

/// Stores a number in this worker's region, at a multiple of eight bytes below its end.
pub fn scribble(offset: usize, value: u64) {
    let (start, len) = own_region();
    assert!(offset.is_multiple_of(8) && offset + 8 <= len);
    let word = ptr::with_exposed_provenance::<std::sync::atomic::AtomicU64>(start + offset);
    // SAFETY: the region is mapped for as long as its worker lives, and everybody who looks at this part of
    // it takes its bytes for atomics or for bytes. What it does to the protocol is what tests are about.
    unsafe { &*word }.store(value, std::sync::atomic::Ordering::SeqCst);
}
