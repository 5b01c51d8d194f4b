//! As `client`, with clocks of its own: `clocks exec|fork scene NAME`.
//!
//! The standard library and every crate read the clocks by `clock_gettime`, and in this program that is the function
//! below. So it is a process for which time has passed, or whose clock was set, as far as any code in it can tell.

#![allow(unsafe_code)]

use multicore_tests::wild::clock;

/// In place of the C library's.
///
/// # Safety
/// As there: `time` is valid for a write.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn clock_gettime(id: libc::clockid_t, time: *mut libc::timespec) -> libc::c_int {
    // SAFETY: as the caller promises.
    unsafe { clock::read(id, time) }
}

fn main() {
    // Whoever started this may be killed by its own watchdog.
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL).expect("a signal");
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [method, part, rest @ ..] = &arguments[..] else { panic!("clocks exec|fork PART …") };
    multicore_tests::parts::play(method, part, rest);
}
