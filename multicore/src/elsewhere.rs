//! What stands in for kernel calls on systems without worker processes.

pub(crate) mod fork_guard {
    //! Noticing that this process is a fork of the one that made something, where anything can fork at all.

    /// Which process something was made in.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub(crate) struct Token(u32);

    /// This process's token; the same in all its threads.
    pub(crate) fn token() -> Token {
        Token(std::process::id())
    }

    /// Whether this process is a fork of the one that took the token.
    pub(crate) fn in_forked_child(token: Token) -> bool {
        std::process::id() != token.0
    }
}

pub(crate) mod memory {
    //! Advice about memory, which nobody takes here.

    use std::mem::MaybeUninit;

    /// Nothing changes.
    pub(crate) fn in_large_pages<T>(_space: &mut [MaybeUninit<T>]) {}
}

pub(crate) mod fault {
    //! Points at which a process may be made to end; here none does.

    /// Nothing happens.
    #[inline(always)]
    pub(crate) fn point(_name: &str) {}
}

pub(crate) mod thread_end {
    //! Ends of threads, which take thread-local values along in their own order here.

    use std::ffi::c_void;

    /// Nobody calls it.
    pub(crate) fn before_locals(_end: extern "C" fn(*mut c_void)) {}
}
