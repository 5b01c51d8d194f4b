//! Taking rights away from this process, for good: what it may open, and what it may ask of the kernel.

#[cfg(feature = "sandbox")]
mod calls;
#[cfg(feature = "sandbox")]
mod files;

#[cfg(feature = "sandbox")]
pub(crate) use self::{
    calls::{check_seccomp, restrict_calls},
    files::{check_landlock, restrict_files},
};

use std::os::fd::RawFd;

/// What of this process its own calls name.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "sandbox"), allow(dead_code, reason = "there is no sandbox to know it"))]
pub(crate) struct Own {
    /// The private region: pages of it may be provided and released, and its number means nothing else.
    pub(crate) region: RawFd,
    /// Where its windows begin, in bytes: what comes before stays.
    pub(crate) windows: usize,
    /// The lifeline, which is never written.
    pub(crate) lifeline: RawFd,
}

/// Nothing that this process starts gets more rights than it has: without that the kernel takes no filter.
///
/// # Errors
/// `Os` from `prctl`.
#[cfg(feature = "sandbox")]
pub(crate) fn no_new_privileges() -> crate::Result<()> {
    let refused = |error| crate::Error::os("prctl(PR_SET_NO_NEW_PRIVS)", error);
    nix::sys::prctl::set_no_new_privs().map_err(refused)
}
