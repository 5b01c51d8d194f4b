//! A thread's start and exit functions: those that a worker process has.

use crate::panics;
use crate::registry::{Hook, HookKind, hooks};
use crate::report::Report;

/// Runs the start functions.
///
/// # Errors
/// In words: the first that failed or panicked.
pub(crate) fn start() -> Result<(), String> {
    for hook in hooks(HookKind::Start) {
        run(hook)
            .map_err(|failed| format!("the start hook `{}` ({}) failed: {failed}", hook.name, hook.place))?;
    }
    Ok(())
}

/// Runs the exit functions, each whatever became of the others: nobody is left to tell.
pub(crate) fn exit() {
    for hook in hooks(HookKind::Exit) {
        let _ = run(hook);
    }
}

fn run(hook: &Hook) -> Result<(), String> {
    match panics::caught(hook.run) {
        Ok(ended) => ended,
        Err(Report::Panicked { message, location, .. }) => {
            Err(format!("panicked at {}: {message}", location.unwrap_or_default()))
        }
        Err(_) => Err("panicked".to_owned()),
    }
}
