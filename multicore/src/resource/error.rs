//! Why a resource cannot be had.

/// Why a resource cannot be borrowed now: what its `try_get()` gives.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ResourceError<E> {
    /// Its function failed; the next use tries again.
    #[error("the resource `{name}` could not be made")]
    Make {
        /// The function's path.
        name: &'static str,
        /// What the function returned.
        #[source]
        source: E,
    },
    /// This thread has a guard of it already.
    #[error(
        "the resource `{name}` is borrowed in this thread already: drop that guard first, or pass the value on"
    )]
    Borrowed {
        /// The function's path.
        name: &'static str,
    },
    /// It is being made or closed, and the function that does it, or one that it calls, asks for it.
    #[error("the resource `{name}` needs itself in order to be made or closed")]
    Cyclic {
        /// The function's path.
        name: &'static str,
    },
    /// Here is no call, and the resource is for calls alone.
    #[error(
        "the resource `{name}` is for workers: use it in a task function, or say `client` in its attribute to have one \
         here as well"
    )]
    NotInWorker {
        /// The function's path.
        name: &'static str,
    },
    /// The thread is ending, and has closed its values.
    #[error("the resource `{name}` cannot be had any more: this thread is ending")]
    Ended {
        /// The function's path.
        name: &'static str,
    },
}
