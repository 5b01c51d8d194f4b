//! Noticing that this process is a fork of the one that made something.
//!
//! One page holds this process's generation, and the kernel wipes it in every fork
//! (`MADV_WIPEONFORK`), so looking costs a load where `getpid` costs a kernel call. Generations only
//! grow: the counter itself is copied by forks, so a child's is greater than every one that its
//! ancestors handed out, and an old token stays old after the child has taken its own.

use std::ffi::c_void;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// Which process something was made in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token(u64);

impl Token {
    /// What stands for it in a word: never 0.
    pub(crate) fn number(self) -> u64 {
        self.0
    }
}

/// The page's first word; null until first use. Never unmapped.
static PAGE: AtomicPtr<AtomicU64> = AtomicPtr::new(ptr::null_mut());
/// The last generation handed out in this process or an ancestor of it.
static LAST: AtomicU64 = AtomicU64::new(0);
/// Stands in for the page where the kernel cannot wipe; then tokens are pids.
static NO_PAGE: AtomicU64 = AtomicU64::new(0);

const PAGE_BYTES: usize = 4096;

/// This process's token; the same in all its threads.
pub(crate) fn token() -> Token {
    match current() {
        0 => Token(renew()),
        value => Token(value),
    }
}

/// Whether this process is a fork of the one that took the token.
pub(crate) fn in_forked_child(token: Token) -> bool {
    current() != token.0
}

/// This process's generation; 0 before first use and after a fork.
fn current() -> u64 {
    let page = PAGE.load(Ordering::Acquire);
    if ptr::eq(page, &NO_PAGE) {
        return u64::from(std::process::id());
    }
    // SAFETY: null, or a page that `map_page` made, which is mapped for ever and only ever accessed as
    // an atomic.
    match unsafe { page.as_ref() } {
        Some(word) => word.load(Ordering::Acquire),
        None => 0,
    }
}

/// Takes a new generation; threads that race here end with the same one.
///
/// No lock: a fork in the middle of it would leave the lock closed in the child.
#[cold]
fn renew() -> u64 {
    if PAGE.load(Ordering::Acquire).is_null() {
        let page = map_page().unwrap_or(ptr::from_ref(&NO_PAGE).cast_mut());
        let raced = PAGE.compare_exchange(ptr::null_mut(), page, Ordering::AcqRel, Ordering::Acquire);
        if raced.is_err() && !ptr::eq(page, &NO_PAGE) {
            // SAFETY: `map_page` made it just now and nobody else has seen it.
            unsafe { libc::munmap(page.cast(), PAGE_BYTES) };
        }
    }
    let page = PAGE.load(Ordering::Acquire);
    if ptr::eq(page, &NO_PAGE) {
        return current();
    }
    let fresh = LAST.fetch_add(1, Ordering::Relaxed) + 1;
    // SAFETY: not null, as just made sure, and not `NO_PAGE`: a page of `map_page`, mapped for ever.
    let word = unsafe { &*page };
    word.compare_exchange(0, fresh, Ordering::AcqRel, Ordering::Acquire)
        .map_or_else(|winner| winner, |_| fresh)
}

fn map_page() -> Option<*mut AtomicU64> {
    let (protection, flags) = (libc::PROT_READ | libc::PROT_WRITE, libc::MAP_PRIVATE | libc::MAP_ANONYMOUS);
    // SAFETY: a new mapping at a place of the kernel's choice touches nothing that exists.
    let page: *mut c_void = unsafe { libc::mmap(ptr::null_mut(), PAGE_BYTES, protection, flags, -1, 0) };
    if page == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: the page was mapped just now, and wiping it in a fork is what its readers expect.
    if unsafe { libc::madvise(page, PAGE_BYTES, libc::MADV_WIPEONFORK) } == 0 {
        return Some(page.cast());
    }
    // SAFETY: mapped just now, and nobody else has seen it.
    unsafe { libc::munmap(page, PAGE_BYTES) };
    None
}
