//! Values that a worker keeps from call to call: connections, models, caches.
//!
//! ```text
//! name::get ── acquire ──▶ store (this thread's values, in the order of making) ◀── settle ── scope (around each call)
//!      └── ResourceGuard ── drop ──▶ settle
//! ```
//!
//! A value belongs to one thread of one process. While it is borrowed the guard owns it, and the store has its name
//! and its history; so nothing of the user's runs while the store is in use, and a guard that is never dropped costs
//! its value and nothing else.
//!
//! The rules are those of Django's database connections (`close_if_unusable_or_obsolete`), around every call.
//! What nobody here knows: where the call came from, and whether this thread is a process's only one.

mod acquire;
mod count;
mod error;
mod guard;
mod kept;
pub(crate) mod scope;
mod settle;
mod store;
#[cfg(test)]
mod test;

use std::any::{Any, TypeId};
use std::time::Duration;

pub use self::acquire::acquire;
pub use self::error::ResourceError;
pub use self::guard::ResourceGuard;
pub(crate) use self::settle::{close_all, close_calls_own};
use crate::complaint::{self, asked};

/// What generated code knows of a resource.
pub struct Rules {
    /// Its function's path.
    pub name: &'static str,
    /// How long one value is used.
    pub max_age: Option<Duration>,
    /// How long it may be unused before it is checked.
    pub check_idle: Option<Duration>,
    /// Whether it may be used in the client outside of calls.
    pub client: bool,
    /// Whether there is a check.
    pub checks: bool,
    /// Whether something is to be done after each call.
    pub resets: bool,
}

/// A resource, as generated code implements it.
pub trait Resource: 'static {
    /// What a worker keeps.
    type Value: 'static;
    /// What its maker fails with.
    type Error;
    /// What the attribute says.
    const RULES: Rules;

    /// A new value.
    ///
    /// # Errors
    /// The maker's.
    fn make() -> Result<Self::Value, Self::Error>;
    /// Whether the value is good still.
    fn check(_value: &mut Self::Value) -> bool {
        true
    }
    /// Puts the value in order after a call; whether that went well.
    fn reset(_value: &mut Self::Value) -> bool {
        true
    }
    /// Whether the value knows by itself that it is of no use any more.
    fn is_broken(_value: &mut Self::Value) -> bool {
        false
    }
    /// Ends the value.
    ///
    /// # Errors
    /// In words.
    fn close(value: Self::Value) -> Result<(), String> {
        drop(value);
        Ok(())
    }
}

/// A resource, whatever its types.
struct Kind {
    id: fn() -> TypeId,
    rules: Rules,
    check: fn(&mut dyn Any) -> bool,
    reset: fn(&mut dyn Any) -> bool,
    is_broken: fn(&mut dyn Any) -> bool,
    close: fn(Box<dyn Any>) -> Result<(), String>,
}

trait Known: Resource {
    const KIND: &'static Kind;
}

impl<R: Resource> Known for R {
    const KIND: &'static Kind = &Kind {
        id: TypeId::of::<R>,
        rules: R::RULES,
        // A panic may have left it broken: nobody was asked while that unwound, and it may answer all the same.
        check: |value| value.downcast_mut().is_some_and(|value| !R::is_broken(value) && R::check(value)),
        reset: |value| value.downcast_mut().is_some_and(R::reset),
        is_broken: |value| value.downcast_mut().is_none_or(R::is_broken),
        close: |value| value.downcast().map_or(Ok(()), |value| R::close(*value)),
    };
}

impl Kind {
    /// Ends a value. Nobody waits for what comes of it, so a failure is printed.
    fn end(&self, value: Box<dyn Any>) {
        if let Err(why) = asked(|| (self.close)(value)).and_then(|ended| ended) {
            self.complain("could not be closed properly", &why);
        }
    }

    /// Whether the check finds a value good. One that panics does not.
    fn passes(&self, value: &mut dyn Any) -> bool {
        self.answer("could not be checked, and is replaced", || (self.check)(value))
    }

    /// Puts a value in order; whether it can be used again.
    fn restore(&self, value: &mut dyn Any) -> bool {
        self.answer("could not be put in order, and is replaced", || (self.reset)(value))
    }

    /// Whether a value is of use still, as far as it knows itself.
    fn is_whole(&self, value: &mut dyn Any) -> bool {
        self.answer("is broken, and is replaced", || !(self.is_broken)(value))
    }

    /// What the user's function says; no, where it panics: another value may do, and this call is not to blame.
    fn answer(&self, otherwise: &str, ask: impl FnOnce() -> bool) -> bool {
        asked(ask).unwrap_or_else(|why| {
            self.complain(otherwise, &why);
            false
        })
    }

    fn complain(&self, what: &str, why: &str) {
        complaint::say(&format!("the resource `{}` {what}: {why}", self.rules.name));
    }
}
