//! What functions may return that workers run at their start and end, and when a resource is closed.

use std::fmt::Display;

/// The return types of a hook, and of what closes a resource.
#[diagnostic::on_unimplemented(
    message = "a worker's start or exit function, or a resource's `on_close`, cannot return `{Self}`",
    label = "neither `()` nor `Result<(), E>`",
    note = "return nothing, or `Result<(), E>` where `E` implements `Display`"
)]
pub trait HookOutcome {
    fn outcome(self) -> Result<(), String>;
}

#[diagnostic::do_not_recommend]
impl HookOutcome for () {
    fn outcome(self) -> Result<(), String> {
        Ok(())
    }
}

#[diagnostic::do_not_recommend]
impl<E: Display> HookOutcome for Result<(), E> {
    fn outcome(self) -> Result<(), String> {
        self.map_err(|error| error.to_string())
    }
}

/// What its return value says.
///
/// # Errors
/// Its own, as text.
pub fn hook_outcome<T: HookOutcome>(outcome: T) -> Result<(), String> {
    outcome.outcome()
}
