//! What can go wrong, as one type.

use std::fmt;
use std::io;
use std::time::Duration;

/// The result of everything in this crate that can fail.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can go wrong with a call or a pool.
///
/// A failure of one call is that call's alone: the pool goes on working after every variant but
/// [`Closed`](Error::Closed) and [`RestartLimit`](Error::RestartLimit).
///
#[doc = include_str!("faults.md")]
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The task function panicked; its worker lives on.
    #[error("task `{task}` panicked{}: {message}", at(.location))]
    #[non_exhaustive]
    Panicked {
        /// The task's name.
        task: String,
        /// The panic's message, or a note that the payload was no text.
        message: String,
        /// Where it panicked, as `file:line:column`.
        location: Option<String>,
        /// The backtrace, when `RUST_BACKTRACE` or `RUST_LIB_BACKTRACE` asks for one.
        backtrace: Option<String>,
    },

    /// The worker died while it ran this call, or died so often before it could begin that the
    /// pool gave up on the call.
    #[error("task `{task}`: {} {exit} {}{}{}", worker(*.pid), if *.started { "while it ran" } else { "before it began" }, because(.message), last_seen(.breadcrumb))]
    #[non_exhaustive]
    Died {
        /// The task's name.
        task: String,
        /// The process that died; 0 when it could not be learnt.
        pid: i32,
        /// How it ended.
        exit: Exit,
        /// Whether the call had begun: user code may have run.
        started: bool,
        /// The panic's message, when a panic ended the process (`panic = "abort"`).
        message: Option<String>,
        /// What the call said last of where it is, by [`breadcrumb`](crate::breadcrumb()).
        breadcrumb: Option<String>,
        /// What the process used from its start on.
        usage: Usage,
    },

    /// The call ran longer than its timeout; its worker was ended.
    #[error("task `{task}` ran longer than its timeout of {limit:?}{}", last_seen(.breadcrumb))]
    #[non_exhaustive]
    TimedOut {
        /// The task's name.
        task: String,
        /// The timeout, counted from the start of the call.
        limit: Duration,
        /// What the call said last of where it is, by [`breadcrumb`](crate::breadcrumb()).
        breadcrumb: Option<String>,
    },

    /// The call was cancelled, or the forked child killed by its handle.
    #[error("task `{task}` was cancelled")]
    #[non_exhaustive]
    Cancelled {
        /// The task's name.
        task: String,
    },

    /// The arguments or the result could not be encoded.
    #[error("task `{task}`: cannot encode {what}: {why}")]
    #[non_exhaustive]
    Encode {
        /// The task's name.
        task: String,
        /// What was being encoded: `the arguments`, `the result`, or the keys with the values or results of
        /// `map_reduce!`.
        what: &'static str,
        /// The codec's reason.
        why: String,
    },

    /// The arguments or the result could not be decoded.
    #[error("task `{task}`: cannot decode {what}: {why}")]
    #[non_exhaustive]
    Decode {
        /// The task's name.
        task: String,
        /// What was being decoded: `the arguments`, `the result`, or the keys with the values or results of
        /// `map_reduce!`.
        what: &'static str,
        /// The codec's reason.
        why: String,
    },

    /// The encoded arguments or result are larger than the payload limit of the pool, the `Fork` or the queue.
    #[error(
        "a payload of {need} bytes is over the limit of {limit}; raise `Config::payload_limit`, or `ulimit -v` or `ulimit -f` where those made it smaller"
    )]
    #[non_exhaustive]
    TooLarge {
        /// Bytes needed.
        need: u64,
        /// Bytes allowed.
        limit: u64,
    },

    /// Not done on purpose: the call would have had to run in this process, and isolation was asked for; a sandboxed
    /// pool cannot do it; or a queue was full, empty, closed or in use by too many processes.
    #[error("refused: {why}")]
    #[non_exhaustive]
    Refused {
        /// Why, and what to change.
        why: String,
    },

    /// The pool is shut down, or it is that of the process which this one was forked from; or the result was taken
    /// already.
    #[error("the pool is shut down; `multicore::initialize()` opens the default one again")]
    Closed,

    /// The table of tasks is unusable: two tasks share a name or an ID, or client and worker
    /// differ.
    #[error("{what}")]
    #[non_exhaustive]
    Registry {
        /// Both places in the source, or both digests.
        what: String,
    },

    /// The worker knows no task with the ID that the call names.
    #[error(
        "the worker knows no task `{task}` (ID {id:016x}); is its crate linked into this program? `use my_tasks as _;` links it"
    )]
    #[non_exhaustive]
    UnknownTask {
        /// The task's name as the client knows it.
        task: String,
        /// The stable ID.
        id: u64,
    },

    /// No supervisor or no worker became ready, ten times in a row; or a start function failed on a thread.
    #[error("no worker became ready {times} times in a row; the last cause: {cause}")]
    #[non_exhaustive]
    RestartLimit {
        /// How often it was tried.
        times: u32,
        /// What went wrong the last time.
        cause: String,
    },

    /// The kernel refused something.
    #[error("{call} failed: {source}{}", advice(.call, .source))]
    #[non_exhaustive]
    Os {
        /// The kernel call.
        call: &'static str,
        /// The kernel's answer.
        source: io::Error,
    },

    /// A fork was asked for while other threads exist.
    #[error(
        "cannot fork: this process has {count} threads; fork before any thread is started, or after the last was joined; for pools call `multicore::initialize()` first thing in `main`, or annotate `main` with `#[multicore::main]`"
    )]
    #[non_exhaustive]
    Threads {
        /// Threads seen, this one included.
        count: usize,
    },

    /// An option, an environment variable or a value that makes no sense.
    #[error("{what}: {why}")]
    #[non_exhaustive]
    Config {
        /// The option, variable or value.
        what: String,
        /// What is wrong with it and what to write instead.
        why: String,
    },
}

impl Error {
    pub(crate) fn os(call: &'static str, source: impl Into<io::Error>) -> Error {
        Error::Os { call, source: source.into() }
    }

    pub(crate) fn config(what: impl Into<String>, why: impl Into<String>) -> Error {
        Error::Config { what: what.into(), why: why.into() }
    }

    pub(crate) fn refused(why: impl Into<String>) -> Error {
        Error::Refused { why: why.into() }
    }
}

fn at(location: &Option<String>) -> String {
    location.as_ref().map(|place| format!(" at {place}")).unwrap_or_default()
}

fn worker(pid: i32) -> String {
    if pid == 0 { "its worker".to_owned() } else { format!("worker {pid}") }
}

fn because(message: &Option<String>) -> String {
    message.as_ref().map(|text| format!(": {text}")).unwrap_or_default()
}

fn last_seen(breadcrumb: &Option<String>) -> String {
    breadcrumb.as_ref().map(|text| format!(" (last seen at: {text})")).unwrap_or_default()
}

/// What to raise when the kernel refuses.
#[cfg(not(processes))]
fn advice(_call: &str, _source: &io::Error) -> &'static str {
    ""
}

/// What to raise when the kernel refuses.
#[cfg(processes)]
fn advice(call: &str, source: &io::Error) -> &'static str {
    match (source.raw_os_error(), call) {
        (Some(libc::EMFILE), _) => " (raise `ulimit -n`)",
        (Some(libc::ENFILE), _) => " (raise the sysctl fs.file-max)",
        (Some(libc::EAGAIN), "fork" | "posix_spawn" | "pthread_create") => {
            " (raise `ulimit -u` or the cgroup's pids.max)"
        }
        (Some(libc::EAGAIN), "timer_create") => " (raise `ulimit -i`)",
        (Some(libc::EFBIG), _) => " (raise `ulimit -f`)",
        (Some(libc::ENOSPC), "pwrite") => {
            " (the folder for temporary files is full; `folder = \"…\"` names another one)"
        }
        (Some(libc::ENOMEM), "mmap") => {
            " (raise `ulimit -v`, or lower `Config::payload_limit` or `Config::slots`)"
        }
        (_, "landlock_create_ruleset") => {
            " (this kernel has no landlock, or does not enable it; `Sandbox::without_landlock` does without)"
        }
        (_, "seccomp") => {
            " (this kernel or container takes no filters; `Sandbox::without_seccomp` does without)"
        }
        (Some(libc::ENOMEM | libc::ENOSPC), _) => " (the machine or the cgroup is out of memory)",
        _ => "",
    }
}

/// How a worker process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Exit {
    /// It called `exit` with this code.
    Code(i32),
    /// A signal ended it.
    Signal(Signal),
    /// It ran out of stack; the kernel's signal was SIGSEGV.
    StackOverflow,
    /// Its supervisor died and took it along, or somebody else collected a forked child, so nobody here saw
    /// how it ended.
    Unknown,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Exit::Code(code) => write!(f, "exited with code {code}"),
            Exit::Signal(signal) => write!(f, "was ended by {signal}"),
            Exit::StackOverflow => write!(f, "overflowed its stack"),
            Exit::Unknown => write!(f, "ended in a way that nobody saw"),
        }
    }
}

/// What a worker process used from its start to its end, as the kernel counted it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Time on a core, in the program's own code and in the kernel.
    pub cpu: Duration,
    /// The most bytes of memory that were resident at once.
    pub peak_memory: u64,
}

/// A signal's number; displays as its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Signal(pub i32);

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        #[cfg(processes)]
        if let Ok(signal) = nix::sys::signal::Signal::try_from(self.0) {
            return f.write_str(signal.as_str());
        }
        write!(f, "signal {}", self.0)
    }
}

/// The error of a task annotated with `error = "text"`: the whole chain of causes as text.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct TextError {
    /// The error first, then its causes, outermost first.
    pub chain: Vec<String>,
}

impl fmt::Display for TextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.chain.join(": "))
    }
}

impl std::error::Error for TextError {}
