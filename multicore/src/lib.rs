//! Annotate a function with [`#[multicore::task]`](macro@task) and it runs on every core, in worker
//! processes that stay alive between calls, over shared memory.
//!
//! ```
//! use std::sync::LazyLock;
//! use std::time::Duration;
//! use multicore::{Task, par_ranges};
//!
//! static USERS: LazyLock<Vec<String>> = LazyLock::new(|| (0..80).map(|n| format!("user {n}")).collect());
//!
//! #[multicore::task]
//! fn render(start: usize, end: usize) -> String {
//!     USERS[start..end].join(", ")
//! }
//!
//! fn main() -> multicore::Result<()> {
//!     // An ordered group of calls.
//!     let mut task = Task::new();
//!     for (start, end) in multicore::ranges(&*USERS) {
//!         task.run(render::call(start, end))?;
//!     }
//!     let page = task.get()?.join(", ");
//!
//!     // The same in one line.
//!     assert_eq!(par_ranges!(USERS, render)?.join(", "), page);
//!
//!     // One call and its handle, ended by force when it takes longer than this.
//!     let handle = render::call(0, 80).timeout(Duration::from_secs(20)).spawn()?;
//!     assert_eq!(handle.get()?, page);
//!
//!     // Still an ordinary function: this runs right here.
//!     assert_eq!(render(0, 80), page);
//!     Ok(())
//! }
//! ```
//!
//! Nothing has to be set up. The default pool opens at first use, in a program as in its tests, and
//! ends with the process.
//!
//! # Why processes
//!
//! A process can be killed, can crash alone and has its own copy of a C library's globals; a thread
//! has none of that. For pure safe Rust that does none of these, `rayon` is faster and simpler.
//!
//! # What a worker sees
//!
//! The program settles on one way to start workers, at its first pool, and keeps it:
//!
//! - [`Start::Exec`], when nothing was called: this executable is started again and turned aside
//!   before its `main`. A worker is a fresh program with the arguments, the environment and the folder
//!   that this process had when the pool opened. It makes each `LazyLock` anew at first use.
//! - [`Start::Fork`], by [`initialize`] or [`#[multicore::main]`](macro@main): a worker sees every
//!   static as it was at that moment, copy on write.
//!
//! Under both a worker does not see what this process changes later, and this process does not see
//! what a worker changes: arguments go there, results come back. Standard input is empty in a worker,
//! and file descriptors other than standard output and error are closed unless
//! [`keep_fds`](Config::keep_fds) names them.
//!
//! # What travels
//!
//! Arguments are owned values that implement serde's `Serialize` and `DeserializeOwned`, or references
//! to such: `&str`, `&[u8]`, `&[T]`, `&T`. Results are owned, or text and slices that the function
//! borrows from its arguments, of which the caller gets the owned type. A task function may return a
//! `Result<T, E>`: then the outer [`Result`] is this crate's and the inner one the function's. Where
//! `E` cannot travel, `#[multicore::task(error = "text")]` makes it a [`TextError`].
//!
//! Bytes, text and slices of plain numbers move at the speed of a memory copy when they are an argument
//! or a result themselves. Inside of your own structs serde takes bytes one at a time; the `serde_bytes`
//! crate helps there.
//!
//! Large payloads: the first call of a size pays for the memory, the next find it there
//! ([`warm_memory`](Config::warm_memory)). A task that returns a part of its argument returns a slice of it
//! (`fn crop(image: &[u8]) -> &[u8]`), which copies nothing in the worker; [`Handle::get_ref`] leaves a large
//! result where it is. What is left then is the worker's own allocator: glibc fetches blocks of more than 32 MiB
//! anew for each call. Under exec, `.env("GLIBC_TUNABLES", "glibc.malloc.hugetlb=1")` (glibc 2.35) has them come in
//! large pages: measured, 25 ms in place of 58 for `bytes.to_vec()` of 64 MiB, there and back; blocks of up to 16 MiB
//! gain nothing.
//!
//! Large data that many calls read is made once, as [`Shared`]: a slice of it is not copied.
//!
//! The default codec stores no field names. Types with `#[serde(flatten)]`, `tag`, `untagged` or
//! `skip_serializing_if` need `#[multicore::task(codec = "json")]` (feature `json`).
//!
//! # What a worker keeps
//!
//! [`#[multicore::resource]`](macro@resource) on a function makes what it returns a worker's own: a connection, a
//! model, a cache. It is made at first use, kept from call to call, checked after a call that failed, put in order
//! after each call, and closed when it is too old and at the worker's end. So there are as many connections as
//! workers, whatever the number of calls.
//!
//! ```
//! # struct Connection { queries: u64 }
//! # impl Connection {
//! #     fn open() -> std::io::Result<Connection> { Ok(Connection { queries: 0 }) }
//! #     fn ping(&mut self) -> std::io::Result<()> { Ok(()) }
//! #     fn rows(&mut self, n: u64) -> u64 { self.queries += 1; n }
//! # }
//! #[multicore::resource(max_age = "10m", check = |db| db.ping())]
//! fn db() -> std::io::Result<Connection> {
//!     Connection::open()
//! }
//!
//! #[multicore::task(error = "text")]
//! fn count(table: u64) -> std::io::Result<u64> {
//!     Ok(db::get()?.rows(table)) // this worker's own, whoever calls
//! }
//!
//! assert_eq!(count::call(3).get()??, 3);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # What goes wrong
//!
//! [`Error`] has the table. A panic, a crash or a missed deadline is that one call's error; the pool
//! replaces the worker and goes on.
//!
//! # Faults on demand
//!
//! `MULTICORE_FAULT="kill:render:3"` ends the worker that runs the third call of the task `render`, so
//! that a program's own tests see what a death looks like. The faults are `kill`, `abort`, `segfault`,
//! `panic`, `stall` (never returns) and `slow` (a quarter of a second more); without a number they befall
//! every call of the task. Commas separate several. Calls are counted in each pool from its start; one
//! that has retries has its fault once. Faults befall worker processes: with another backend making a pool is
//! [`Error::Config`].
//!
//! # Ways to run
//!
//! | wanted | way |
//! |---|---|
//! | one call | [`spawn`](Call::spawn) and a [`Handle`]: wait for it, `.await` it, cancel it |
//! | an ordered group | [`Task`]; [`par_ranges!`] for chunks of items |
//! | a stream of calls, in constant memory | [`map`](map()), [`map_unordered`] |
//! | several handles | [`join_all`], [`join_all_timeout`], [`as_completed`], [`select_first`] |
//! | pairs brought together by key | [`map_reduce!`]; [`tree_reduce`] where results are folded |
//! | work and results through queues | [`Queue`], an argument of tasks |
//! | work behind a web page | [`background`](Call::background), [`find`], [`progress`](progress()), [`priority`](Call::priority) |
//! | any closure, all memory as it is | [`fork`](fork()), [`#[multicore::forked]`](macro@forked) |
//! | a thread | [`#[multicore::threaded]`](macro@threaded) |
//!
//! # Where calls run
//!
//! In workers; one chunk as well as many. A pool on threads or without workers runs the same calls: [`Backend`] says
//! what differs. Otherwise a call runs right here, in this process, only
//!
//! - when the load guard says no to `par_ranges!`, or with `inline = true`;
//! - inside a worker: parallel calls that a task makes run one after another;
//! - under `MULTICORE_BACKEND=inline` or `threads`, for debuggers and coverage;
//! - on a pool that the program has run them here, by [`Pool::inline`] or [`Backend::Threads`].
//!
//! Except by that variable a call that asks for isolation, by a timeout, retries or `isolate`, is
//! [`Error::Refused`] in place of running.
//!
//! # Fork and thread
//!
//! [`fork`](fork()) and [`#[multicore::forked]`](macro@forked) run any closure or function, methods and generic ones as
//! well, in a child of this very process: it sees all memory as it is now, and nothing is serialised but the result.
//! Refused while other threads exist. [`#[multicore::threaded]`](macro@threaded) runs a function in a thread of its own.
//!
//! # Messages of the compiler
//!
//! These come before this crate is asked. Two of them mean that a function lacks `#[multicore::task]`:
//!
//! - at `par_ranges!(items, f)`: "constant provided when a type was expected … `f` is a function item,
//!   not a type" (E0747);
//! - at `f::call(…)`: "cannot find module or crate `f` in this scope … function `f` is not a crate or
//!   module" (E0433).
//!
//! And one means that it stands in an `impl` block, where no type can stand beside it: "enum is not
//! supported in `trait`s or `impl`s".
//!
//! # A name that is taken
//!
//! The attribute puts a type with the function's name beside the function. Modules share the types'
//! names, so a function that is re-exported beside its module needs another one:
//!
//! ```
//! mod resize {
//!     #[multicore::task(type = ResizeTask)]
//!     pub fn resize(width: u32) -> u32 {
//!         width / 2
//!     }
//! }
//! pub use resize::{ResizeTask, resize};
//!
//! assert_eq!(ResizeTask::call(8).get()?, resize(8));
//! # Ok::<(), multicore::Error>(())
//! ```
//!
//! In documentation a link to a task function says which of the two it means: ``[`render()`]`` is the
//! function.
//!
//! # Tasks in other crates
//!
//! A crate that the program never names is not linked, and its tasks are missing. `use my_tasks as _;`
//! links it; [`tasks`] lists what is there.
//!
//! # Systems
//!
//! Worker processes need 64-bit little-endian Linux with `/proc`. On every other system calls run on threads
//! ([`Backend`] says what differs), and [`fork`](fork()), [`#[multicore::forked]`](macro@forked), [`Queue`],
//! [`map_reduce!`] and `Sandbox` are not there.
//!
//! # Features
//!
//! `indicatif`: a progress bar for [`map`](map()) and [`par_ranges!`]. `json`: the codec of that name. `r2d2`: any connection manager of that crate is a
//! [resource](macro@resource). `sandbox`: `Config::sandbox`, for tasks that handle what nobody trusts.
//! `stream`: mapped results as a `Stream`. `threads`: `Pool::threads`, the same calls on threads ([`Backend`]). Off by
//! default.

// What processes alone need of parts that threads share with them stays where it is.
#![cfg_attr(not(processes), allow(dead_code))]

// Generated code names the crate by its path, and unit tests have tasks too.
#[cfg(test)]
extern crate self as multicore;

mod call;
mod codec;
mod complaint;
mod config;
mod error;
#[cfg(processes)]
mod fork;
mod handle;
mod hooks;
mod inside;
mod job;
mod load;
mod many;
mod panics;
mod pool;
#[cfg(processes)]
mod processes;
#[cfg(processes)]
mod queue;
mod registry;
mod report;
mod resource;
mod sandbox;
mod shared;
mod shm;
mod stats;
#[cfg(processes)]
mod sys;
#[cfg(not(processes))]
#[path = "elsewhere.rs"]
mod sys;
mod thread;
#[cfg(threads)]
mod threads;

#[doc(hidden)]
#[allow(missing_docs, reason = "named by generated code alone")]
pub mod private;
#[doc(hidden)]
pub use private as __private;

pub use call::{Call, TaskFn};
pub use codec::Codec;
pub use config::{Backend, Config, Start};
pub use error::{Error, Exit, Result, Signal, TextError, Usage};
#[cfg(processes)]
pub use fork::{Fork, Forked, fork};
pub use handle::abort::AbortOnDrop;
pub use handle::borrowed::{Borrowed, InPlace};
pub use handle::progress::Progress;
pub use handle::{Handle, TrySpawnError};
pub use inside::{breadcrumb, cancelled, progress};
pub use job::Job;
pub use job::any::{AnyJob, find, jobs};
pub use job::id::JobId;
pub use job::look::{JobState, Timestamps};
pub use load::set_load_source;
#[cfg(feature = "indicatif")]
pub use many::bar::WithBar;
pub use many::completed::{AsCompleted, Elapsed, as_completed};
pub use many::gathering::Gathering;
pub use many::items::Items;
pub use many::join::{Joined, Selected, join_all, join_all_timeout, select_first};
pub use many::map::{Map, MapUnordered, map, map_unordered};
#[cfg(processes)]
pub use many::map_reduce::Reduced;
pub use many::ranges::{Ranges, ranges, ranges_with};
#[cfg(feature = "stream")]
pub use many::stream::MapStream;
pub use many::task::Task;
pub use many::tree::{MergeTask, tree_reduce};
pub use multicore_macros::{
    forked, main, map_reduce, par_ranges, resource, task, threaded, worker_exit, worker_start,
};
pub use pool::Pool;
pub use pool::default::{initialize, initialize_with, shutdown};
pub use pool::reserved::{Reserved, Reserving, reserve};
pub use pool::state::{PoolState, WorkerState};
pub use pool::stats::stats;
#[cfg(processes)]
pub use queue::Queue;
#[cfg(processes)]
pub use queue::error::{PopError, PushError};
#[cfg(processes)]
pub use queue::iter::{CloseOnDrop, Iter as QueueIter};
pub use registry::{TaskInfo, tasks};
pub use resource::{ResourceError, ResourceGuard};
#[cfg(all(feature = "sandbox", processes))]
pub use sandbox::Sandbox;
pub use shared::{Shared, share};
pub use stats::{CallCounts, Histogram, ResourceStats, RestartCounts, Stats, WorkerStats};
