//! Telling a stack overflow from any other segmentation fault.
//!
//! Both end the process by SIGSEGV. A handler on a stack of its own looks whether the fault lies next
//! to the stack pointer, writes that into a word which outlives the process, and lets the fault happen
//! again with the default action.

use std::ffi::{c_int, c_void};
use std::mem;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

use super::checked;
use crate::Result;

/// What the report word holds after a stack overflow.
pub(crate) const OVERFLOWED: u32 = 1;

/// How far above the stack pointer a fault may lie: a call that stored just before it failed.
const ABOVE: usize = 64 << 10;
/// How far below: a large frame is touched page by page before the pointer moves, or not at all.
const BELOW: usize = 1 << 20;
/// The handler's own stack, besides what the kernel saves on it.
const HANDLER_STACK: usize = 64 << 10;
const GUARD: usize = 64 << 10; // a multiple of every page size

static REPORT: AtomicPtr<AtomicU32> = AtomicPtr::new(ptr::null_mut());

/// Has a stack overflow of the calling thread, in this process and in those forked from it, be noted where
/// [`report_to`] says, before the process dies.
///
/// For a supervisor, whose workers inherit it: it replaces the handlers of SIGSEGV and SIGBUS. Threads that
/// the task starts are not covered; their overflow is a plain SIGSEGV.
///
/// # Errors
/// `Os` from `mmap`, `mprotect`, `sigaltstack` or `sigaction`.
pub(crate) fn install() -> Result<()> {
    separate_stack()?;
    for signal in [libc::SIGSEGV, libc::SIGBUS] {
        // SAFETY: all zeroes is a valid `sigaction`.
        let mut action: libc::sigaction = unsafe { mem::zeroed() };
        action.sa_sigaction = on_fault as extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void) as usize;
        action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK;
        // SAFETY: `action` is valid, and `on_fault` has the signature that SA_SIGINFO asks for and makes
        // only async-signal-safe calls.
        checked("sigaction", unsafe { libc::sigaction(signal, &action, ptr::null_mut()) })?;
    }
    Ok(())
}

/// Has a stack overflow write [`OVERFLOWED`] to `report`: a word in shared memory outlives the process.
pub(crate) fn report_to(report: &'static AtomicU32) {
    REPORT.store(ptr::from_ref(report).cast_mut(), Ordering::Release);
}

/// Gives the calling thread a signal stack with a guard below it; never freed.
fn separate_stack() -> Result<()> {
    // SAFETY: no memory is passed. 0 where the kernel does not tell (before 5.14 on x86-64).
    let saved = unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) } as usize;
    let usable = (HANDLER_STACK + saved).next_multiple_of(GUARD);
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_NORESERVE | libc::MAP_STACK;
    // SAFETY: a new mapping at a place of the kernel's choice touches nothing that exists.
    let start = unsafe { libc::mmap(ptr::null_mut(), GUARD + usable, libc::PROT_NONE, flags, -1, 0) };
    checked("mmap", if start == libc::MAP_FAILED { -1 } else { 0 })?;
    // SAFETY: `GUARD` lies inside the mapping.
    let stack = unsafe { start.byte_add(GUARD) };
    // SAFETY: the range is the rest of the mapping made above, which nobody uses yet.
    checked("mprotect", unsafe { libc::mprotect(stack, usable, libc::PROT_READ | libc::PROT_WRITE) })?;
    let stack = libc::stack_t { ss_sp: stack, ss_flags: 0, ss_size: usable };
    // SAFETY: the memory is writable, large enough, and stays mapped for the life of the process.
    checked("sigaltstack", unsafe { libc::sigaltstack(&stack, ptr::null_mut()) })?;
    Ok(())
}

/// Runs on the separate stack; everything in it is async-signal-safe.
extern "C" fn on_fault(signal: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel passes a valid `siginfo_t` to a handler with SA_SIGINFO.
    let info = unsafe { &*info };
    let is_fault = info.si_code > 0;
    // SAFETY: as above; for SIGSEGV and SIGBUS the field is there, whatever it means.
    let address = unsafe { info.si_addr() } as usize;
    // SAFETY: the kernel passes a valid `ucontext_t` of the interrupted code.
    let pointer = stack_pointer(unsafe { &*context.cast::<libc::ucontext_t>() });
    if is_fault && is_next_to_stack(address, pointer) {
        // SAFETY: null, or a word that lives as long as the process (`report_to` takes it as 'static).
        if let Some(word) = unsafe { REPORT.load(Ordering::Acquire).as_ref() } {
            word.store(OVERFLOWED, Ordering::Release);
        }
    }
    // SAFETY: the default action is always allowed.
    unsafe { libc::signal(signal, libc::SIG_DFL) };
    if !is_fault {
        // Sent by `kill` or `raise`: no instruction will fault again on return, so it is sent again. It
        // stays pending until this handler returns, because the signal is blocked in it.
        // SAFETY: no memory is passed.
        unsafe { libc::raise(signal) };
    }
}

/// Whether an access at `address` is what a stack at `pointer` does when it runs out.
pub(super) fn is_next_to_stack(address: usize, pointer: usize) -> bool {
    (pointer.saturating_sub(BELOW)..pointer.saturating_add(ABOVE)).contains(&address)
}

#[cfg(target_arch = "x86_64")]
fn stack_pointer(context: &libc::ucontext_t) -> usize {
    context.uc_mcontext.gregs[libc::REG_RSP as usize] as usize
}

#[cfg(target_arch = "aarch64")]
fn stack_pointer(context: &libc::ucontext_t) -> usize {
    context.uc_mcontext.sp as usize
}
