//! What a process says about itself, and what it may use.

use std::ffi::CString;
use std::fs;

/// The kernel keeps this many bytes of a name.
const NAME_BYTES: usize = 15;
/// The longest line that C writes in one piece.
const LINE_BYTES: usize = 4096;

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
/// In a freshly forked child whose parent has written out what it printed.
pub(crate) fn print_by_lines() {
    // With a buffer of its own the stream begins anew: one that has printed would otherwise hold its next line.
    let buffer: &'static mut [u8] = vec![0; LINE_BYTES].leak();
    unsafe extern "C" {
        static mut stdout: *mut libc::FILE;
    }
    // SAFETY: the C library's own stream, which nobody changes in a child that has one thread.
    let stream = unsafe { stdout };
    if !stream.is_null() {
        // SAFETY: a live stream; the buffer is as long as said, lives for ever, and is nobody else's.
        unsafe { libc::setvbuf(stream, buffer.as_mut_ptr().cast(), libc::_IOLBF, buffer.len()) };
    }
}
