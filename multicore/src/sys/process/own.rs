//! What a process says about itself, and what it may use.

use std::ffi::CString;
use std::fs;
use std::ptr;

/// The kernel keeps this many bytes of a name.
const NAME_BYTES: usize = 15;

/// Sets the name that `ps -o comm`, `top` and `/proc/<pid>/comm` show; only 15 bytes of it are kept.
pub(crate) fn set_name(name: &str) {
    let mut end = name.len().min(NAME_BYTES);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    let name = name[..end].replace('\0', "");
    if let Ok(name) = CString::new(name) {
        // Cannot fail: the pointer is valid and the length is right.
        let _ = nix::sys::prctl::set_name(&name);
    }
}

/// Tells the kernel how soon to choose this process when memory runs out, from -1000 to 1000.
///
/// Best effort: lowering it needs a privilege. Says whether it was set; children inherit it.
pub(crate) fn set_oom_score(adjustment: i32) -> bool {
    fs::write("/proc/self/oom_score_adj", adjustment.to_string()).is_ok()
}

/// Has C's standard output written out line by line, as Rust's is, whatever it is connected to: what a
/// worker printed before it dies is out then.
///
/// In a freshly forked child, before anything is printed.
pub(crate) fn print_by_lines() {
    unsafe extern "C" {
        static mut stdout: *mut libc::FILE;
    }
    // SAFETY: the C library's own stream, which nobody changes in a child that has one thread.
    let stream = unsafe { stdout };
    if !stream.is_null() {
        // SAFETY: a live stream; without a buffer of ours the C library keeps its own.
        unsafe { libc::setvbuf(stream, ptr::null_mut(), libc::_IOLBF, 0) };
    }
}
