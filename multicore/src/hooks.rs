//! A worker's start and exit functions.

use crate::complaint::{self, asked};
use crate::registry::{HookKind, hooks};

/// Runs the start functions.
///
/// # Errors
/// In words: the first that failed or panicked.
pub(crate) fn start() -> Result<(), String> {
    for hook in hooks(HookKind::Start) {
        asked(hook.run)
            .and_then(|ended| ended)
            .map_err(|failed| format!("the start hook `{}` ({}) failed: {failed}", hook.name, hook.place))?;
    }
    Ok(())
}

/// Runs the exit functions, each whatever became of the others.
pub(crate) fn exit() {
    for hook in hooks(HookKind::Exit) {
        if let Err(failed) = asked(hook.run).and_then(|ended| ended) {
            complaint::say(&format!("the exit hook `{}` ({}) failed: {failed}", hook.name, hook.place));
        }
    }
}
