//! The macros of the `multicore` crate, which re-exports and documents them.
//!
//! A folder for each macro, or two that are alike, in three steps: `args` or the item is parsed, checked, mostly into
//! a model, and expanded, which cannot fail. The sentences for the user stand in `messages`.
//!
//! A mistake in an option still gives the full expansion beside the error, so that the code which
//! uses the task does not fail as well; a mistake in the item gives the item and the error.

mod apart;
mod companion;
mod forked;
mod function;
mod hook;
mod main_fn;
mod map_reduce;
mod messages;
mod options;
mod par_ranges;
mod resource;
mod site;
mod task;
mod threaded;

use proc_macro::TokenStream;

/// Makes a function a task: it stays an ordinary function, and gets a type of the same name with
/// `call(arguments…)`, which makes a call for worker processes.
///
/// ```ignore
/// #[multicore::task]
/// fn render(start: usize, end: usize) -> String { format!("{start} to {end}") }
///
/// render(0, 10);                        // runs right here
/// render::call(0, 10).spawn()?.get()?;  // runs in a worker
/// ```
///
/// Arguments are anything that implements `serde::Serialize` and `serde::de::DeserializeOwned`, and
/// references to that (`&str`, `&[T]`, `&T`); results the same, by value, or as a `&str` or `&[T]` that the
/// function borrows from an argument: then the caller gets a `String` or a `Vec<T>`. Options:
///
/// | option | means |
/// |---|---|
/// | `name = "billing.render"` | the task's name and ID, in place of the function's path |
/// | `type = RenderTask` | the type's name, where the function's is taken |
/// | `codec = "bincode"`, `"json"`, `"raw"` | how arguments and result travel; `json` needs the feature `json`, and `raw` one argument and one result, each bytes, text or plain numbers |
/// | `error = "text"` | an error of any kind comes back as `TextError`, with its causes |
/// | `timeout = "2s"` | the worker is ended when a call runs longer (`ms`, `s`, `m`, `h`) |
/// | `retries = 3` | a call whose worker died or whose time was up is run again |
/// | `isolate` | never runs in the client's own process |
/// | `crate = path::to::multicore` | where the crate is, if it was renamed |
///
/// Two mistakes the compiler explains in its own words, before the attribute can:
///
/// - "enum is not supported in `trait`s or `impl`s": the function stands in an `impl` block; move it
///   out.
/// - "constant provided when a type was expected, `render` is a function item, not a type", or
///   "cannot find module or crate" at `render::call`: the function lacks `#[multicore::task]`.
#[proc_macro_attribute]
pub fn task(options: TokenStream, item: TokenStream) -> TokenStream {
    task::expand(options.into(), item.into()).into()
}

/// Puts what it is given beside the item that it stands on; `#[task]` and `#[resource]` emit it, nobody else.
///
/// With this everything that they generate is one item. Where no type may stand, on a method in
/// an `impl` block, that is one error and not one for each generated item.
#[doc(hidden)]
#[proc_macro_attribute]
pub fn __beside(generated: TokenStream, mut item: TokenStream) -> TokenStream {
    item.extend(generated);
    item
}

/// Prepares the pool at the start of `main`, before anything else can start a thread.
///
/// `preload(A, B)` loads these `LazyLock` statics first, so that every worker begins with them. Where no pool can be
/// made, the program says why on its standard error output and ends with code 1; `multicore::initialize()` gives the
/// error instead. Stands above or below `#[tokio::main]` and the like. Option `crate = path` as for [`macro@task`].
#[proc_macro_attribute]
pub fn main(options: TokenStream, item: TokenStream) -> TokenStream {
    main_fn::expand(options.into(), item.into()).into()
}

/// Makes a function run in every worker before its first call; its failure fails the worker's start.
///
/// No time limit covers it: a function that never returns keeps its worker from ever taking a call. A failure is tried
/// again in a fresh worker, and is `RestartLimit` after ten in a row while no worker is ready. On threads making the
/// pool waits for it, and its failure is `RestartLimit` at once. Where calls run in the thread that makes them, it
/// does not run.
///
/// The function takes nothing and returns nothing or `Result<(), E>` with `E: Display`.
#[proc_macro_attribute]
pub fn worker_start(options: TokenStream, item: TokenStream) -> TokenStream {
    hook::expand(hook::Kind::Start, options.into(), item.into()).into()
}

/// Makes a function run in every worker that ends in an orderly way, after its last call.
///
/// That is: when its pool is dropped or shut down, when the worker makes room for a fresh one (`max_calls`,
/// `max_memory`), and after a call that timed out or was cancelled and whose function returned in time. Not when the
/// program ends with the pool open: call `multicore::shutdown()` before it does, if that matters. What is not over in
/// time is ended with its worker: within the pool's `shutdown_timeout`, ten seconds, or what is left of the `grace`.
/// A failure is printed on the standard error output; the other functions run all the same.
///
/// The function takes nothing and returns nothing or `Result<(), E>` with `E: Display`.
#[proc_macro_attribute]
pub fn worker_exit(options: TokenStream, item: TokenStream) -> TokenStream {
    hook::expand(hook::Kind::Exit, options.into(), item.into()).into()
}

/// Makes a function the maker of a resource: a value that each worker makes at its first use and keeps from call to
/// call, such as a connection or a model.
///
/// The function stays an ordinary one, and gets a type of the same name with `get()`, `with(…)` and `try_get()`.
/// It takes nothing and returns the value, or a `Result` of it.
///
/// ```ignore
/// #[multicore::resource(max_age = "10m", check = is_alive)]
/// fn db() -> Result<postgres::Client, postgres::Error> {
///     postgres::Client::connect("host=localhost user=web", postgres::NoTls)
/// }
///
/// fn is_alive(client: &mut postgres::Client) -> bool {
///     client.is_valid(Duration::from_secs(1)).is_ok()
/// }
///
/// #[multicore::task(error = "text")]
/// fn rename(id: i64, name: &str) -> Result<u64, postgres::Error> {
///     db::get()?.execute("UPDATE users SET name = $2 WHERE id = $1", &[&id, &name])
/// }
/// ```
///
/// | | gives |
/// |---|---|
/// | `db::get()` | a `ResourceGuard<T>`, which dereferences to the value; `Result<ResourceGuard<T>, E>` where the function returns a `Result`. Panics where it cannot be borrowed |
/// | `db::with(\|client\| …)` | what the closure returns, or a `Result` of it |
/// | `db::try_get()` | `Result<ResourceGuard<T>, ResourceError<E>>`, and no panic |
///
/// # Rules
///
/// They are applied around every call, as Django does around every request:
///
/// - A value is made at its first use, once a worker; on threads once a thread, and where calls run in the thread
///   that makes them once in that thread. When the function fails, this use gets the error, and the next one tries
///   again.
/// - It is closed after a call that borrowed it, or else before its next use, when it is older than `max_age`, by a
///   clock that nobody sets.
/// - When a call that borrowed it returned `Err` or panicked, it is checked before its next use, at most once a
///   call, and replaced when it fails. Without a `check` it is kept after an `Err` and replaced after a panic.
/// - `reset` puts it in order after each call that borrowed it, whatever became of the call, unless it is closed
///   then. A check or a `reset` that panics has failed.
/// - All of that is within the call and its `timeout`: what never comes back from making, checking, putting in order
///   or closing a value ends that call with its worker, and nothing else.
/// - Within a call, and the calls that it makes, there is one guard at a time: a second `get()` panics. What a call
///   does not give back is lost to later ones, which make another.
/// - All are closed when the worker ends in an orderly way, after its exit functions and within the same time as
///   [those](macro@worker_exit), the last one made first. A worker that is killed closes nothing.
/// - A thread outside of the pool closes its own when it ends; what calls made in the thread that made them is closed
///   when that thread drops or shuts down their pool. A thread that runs when the program ends closes nothing. A child
///   made by `fork` closes its own after the closure.
/// - A function that makes one may use others: those are closed after it, and when one of them is replaced, so is
///   what was made with it.
/// - What was made before a fork is neither used nor closed in the child.
/// - In the client, outside of calls, it is refused, unless `client` is said: then it belongs to the thread that
///   uses it, and each use counts as a call; but a guard may be kept for as long as one likes, and one that is never
///   dropped keeps its value borrowed for good. A child made by `fork` may use it, and so may threads that a task
///   starts in a worker process, each its own; those that it starts elsewhere are the client's.
///
/// | option | means |
/// |---|---|
/// | `max_age = "10m"` | how long a value is used (`ms`, `s`, `m`, `h`); `"0s"`: for one call; else as long as the worker lives |
/// | `check = is_alive` | takes `&mut T` or `&T`, returns `bool` or `Result<(), E>` |
/// | `check_idle = "30s"` | also checked before its first use in a call when it was not used for so long; `"0s"`: in each call |
/// | `reset = roll_back` | takes `&mut T` or `&T`, returns `bool` or `Result<(), E>`; the value is replaced when it fails |
/// | `on_close = quit` | takes the `T`, returns nothing or `Result<(), E>` with `E: Display`, which is printed on the standard error output, as a panic is; else the value is dropped |
/// | `client` | may be used in the client outside of calls as well |
/// | `r2d2` | the function gives an `r2d2::ManageConnection`, or a `Result` of one whose error is the manager's own: the value is its connection, checked by `is_valid` and replaced when `has_broken` says so. Needs the feature `r2d2` |
/// | `type = Db` | the type's name, where the function's is taken |
/// | `crate = path::to::multicore` | where the crate is, if it was renamed |
///
/// # Connection managers
///
/// With `r2d2`, managers that others have written work as they are: `SqliteConnectionManager` of `r2d2_sqlite`,
/// `PostgresConnectionManager` of `r2d2_postgres`, `ConnectionManager` of `diesel` (its feature `r2d2`), `Client` of
/// `redis` (its feature `r2d2`) and all others.
///
/// ```ignore
/// use r2d2_sqlite::SqliteConnectionManager;
/// use r2d2_sqlite::rusqlite::{Connection, Result};
///
/// #[multicore::resource(r2d2, max_age = "10m", reset = roll_back)]
/// fn db() -> SqliteConnectionManager {
///     SqliteConnectionManager::file("users.db").with_init(|db| db.execute_batch("PRAGMA foreign_keys = ON"))
/// }
///
/// fn roll_back(db: &Connection) -> Result<()> {
///     if db.is_autocommit() { Ok(()) } else { db.execute_batch("ROLLBACK") }
/// }
///
/// #[multicore::task(error = "text")]
/// fn name(id: i64) -> Result<String> {
///     db::get()?.query_row("SELECT name FROM users WHERE id = ?1", [id], |user| user.get(0))
/// }
/// ```
///
/// - The manager is made once a process, or taken over by a forked one from before; its connections are made once a
///   worker, or thread, and never taken over. `r2d2`'s own pool is not used, nor are its threads. Errors are the
///   manager's. A function that returns a `Result` may fail with these alone.
/// - `has_broken` is asked when a guard is dropped, and before `is_valid`: a connection that says yes is replaced at
///   once. To `diesel` one is broken that is given back within a transaction.
/// - A `check` takes the place of `is_valid`; all other options mean what they mean elsewhere.
/// - A manager's time limits are its own. One for the answer of a server that takes connections and says nothing is
///   the task's `timeout`.
/// - `diesel` with PostgreSQL needs that database's C library where the program is linked; `r2d2_postgres` needs none.
#[proc_macro_attribute]
pub fn resource(options: TokenStream, item: TokenStream) -> TokenStream {
    resource::expand(options.into(), item.into()).into()
}

/// Makes a function run in a child of this process that is forked at each call: it sees all memory as it is, and
/// what crashes or overruns its time there costs the child alone.
///
/// The function keeps its signature but for the result: one that returns `R` returns
/// `multicore::Result<multicore::Forked<R>>` at once, and `join()` on that gives the `R`. Arguments may be anything,
/// borrowed data as well, and nothing of them is serialised. `R` is owned and implements `serde::Serialize` and
/// `serde::de::DeserializeOwned`. Methods, generic functions and `impl Trait` arguments work. What holds for
/// `multicore::fork` holds here; above all it is refused while other threads exist.
///
/// ```ignore
/// #[multicore::forked(timeout = "2s")]
/// fn longest(lines: &[Line]) -> usize { lines.iter().map(Line::len).max().unwrap_or(0) }
///
/// let child = longest(&lines)?;   // goes on at once
/// assert_eq!(child.join()?, 80);
/// ```
///
/// | option | means |
/// |---|---|
/// | `timeout = "2s"` | the child is ended when it runs longer (`ms`, `s`, `m`, `h`) |
/// | `name = "longest line"` | what errors and `ps` call it, in place of the function's name |
/// | `crate = path::to::multicore` | where the crate is, if it was renamed |
#[proc_macro_attribute]
pub fn forked(options: TokenStream, item: TokenStream) -> TokenStream {
    forked::expand(options.into(), item.into()).into()
}

/// Makes a function run in a thread of its own at each call.
///
/// The function keeps its signature but for the result: one that returns `R` returns
/// `multicore::Result<std::thread::JoinHandle<R>>` at once: `Os` where the system has no thread to give. Arguments
/// and result go to another thread for good: they are `Send` and own what they hold. A panic is printed, and
/// `join()` gives it, as of any thread.
///
/// When the function returns, the thread's own values (`thread_local!`) are dropped: a connection that such a value
/// holds is closed with its thread.
///
/// ```ignore
/// #[multicore::threaded(name = "mail")]
/// fn send(to: String, text: String) -> usize { deliver(&to, &text) }
///
/// let sending = send("a@example.org".into(), "hello".into())?;   // goes on at once
/// let bytes = sending.join().expect("no panic");
/// ```
///
/// | option | means |
/// |---|---|
/// | `name = "mail"` | the thread's name, in place of the function's; the system shows 15 bytes of it |
/// | `crate = path::to::multicore` | where the crate is, if it was renamed |
#[proc_macro_attribute]
pub fn threaded(options: TokenStream, item: TokenStream) -> TokenStream {
    threaded::expand(options.into(), item.into()).into()
}

/// Divides items into chunks, runs a task function on each and collects the results in order.
///
/// Gives a `Result<Vec<R>>`: all of them, or the first error in their order once every chunk has settled.
///
/// `par_ranges!(items, chunk_fn)` or `par_ranges!(items, chunk_fn, option = value, …)`; a chunk
/// function takes `(start: usize, end: usize)`, `(range: Range<usize>)` or `(chunk: &[T])`.
///
/// | option | means |
/// |---|---|
/// | `min_range_size = n` | no chunk is smaller |
/// | `ranges = n` | exactly this many chunks, or one per item if there are fewer; else 32 for each worker |
/// | `workers = n` | at most this many chunks run at once |
/// | `timeout = duration` | for each chunk |
/// | `max_load_average = 0.85` | runs here, one after another, while the machine is busier; else nobody looks |
/// | `pool = &pool` | in place of the default pool |
/// | `inline = true` | runs here, one after another |
/// | `progress = true` | draws a bar on the standard error output, if that is a terminal; needs the feature `indicatif` |
///
/// What is wrong with the options is `Config`: no `ranges` or no `workers` at all, `ranges` beside `min_range_size`, a
/// load average out of range. Chunks that would have to run here and may not, because of a timeout, `isolate`,
/// `retries` or their pool's limits, are `Refused`.
#[proc_macro]
pub fn par_ranges(input: TokenStream) -> TokenStream {
    par_ranges::expand(input.into()).into()
}

/// Makes pairs out of inputs, brings them together by key in the workers, and reduces the values of each key.
///
/// ```text
/// #[multicore::task(error = "text")]
/// fn split(file: PathBuf) -> io::Result<HashMap<String, u64>> { … }  // one input, to pairs
///
/// #[multicore::task]
/// fn add(a: u64, b: u64) -> u64 { a + b }                            // two values of a key, to one
///
/// for pair in multicore::map_reduce!(files, map = split, combine = add, reduce = add)?? {
///     let (word, count) = pair?;
/// }
/// ```
///
/// | task | takes | returns |
/// |---|---|---|
/// | `map` | one input, by value | `Vec<(K, V)>` or anything else that iterates over pairs, or a `Result` of it |
/// | `combine`, which may be left out | `(a: V, b: V)` | `V` |
/// | `reduce` | `(key: K, values: Vec<V>)`, `(key: &K, values: &[V])`, or `(a: V, b: V)` to fold pairs | `R`, or `V` |
///
/// The result is a `Result<Reduced<K, R>>`, an iterator over `Result<(K, R)>` in the order of the keys; where the
/// map task returns a `Result` of its own, that is within: `Result<Result<Reduced<K, R>, E>>`. A reduce task's
/// `Result` is its key's.
///
/// Inputs are taken from any iterator as they are needed, several to a call. Values reach `reduce` in the inputs'
/// order; `combine` folds neighbours, so it has to be associative and need not be commutative. What is brought
/// together is kept in temporary files that have no name, so none is left, whoever dies; the client sees the
/// inputs and the results alone. Memory is bounded by `memory` for each worker, what one input's pairs take, and,
/// in a `reduce` without a combiner that takes all values of a key at once, those.
///
/// | option | means |
/// |---|---|
/// | `partitions = n` | into how many parts keys are divided, each a call of `reduce`'s stage, at most 4096; else 4 for each worker |
/// | `workers = n` | at most this many calls are under way; else twice the pool's workers |
/// | `memory = bytes` | about what each worker may use for pairs; else 64 MiB |
/// | `timeout = duration` | for each call: as many inputs as take about 0.15 s or a quarter of it, or one partition |
/// | `retries = n` | a call whose worker died or whose time was up runs again, and writes over what it wrote |
/// | `folder = path` | where the temporary files are; else `std::env::temp_dir()` |
/// | `pool = &pool` | in place of the default pool |
///
/// The tasks' own `timeout`, `retries` and `isolate` count where the options say nothing.
///
/// If a worker dies: `Died`, unless there are retries. The first error in the inputs' order ends all; the other
/// calls are cancelled and have settled when it is returned. Files that cannot be made, read or written are `Os`.
/// Workers open the client's files by its `/proc/<pid>/fd`: one that changed its user cannot, and the workers of
/// a sandboxed pool, which is `Refused`.
#[proc_macro]
pub fn map_reduce(input: TokenStream) -> TokenStream {
    let site = site::of(proc_macro::Span::call_site());
    map_reduce::expand(input.into(), &site).into()
}
