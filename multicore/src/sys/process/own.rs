//! What a process says about itself, and what it may use.

use std::ffi::CString;
use std::fs;

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
