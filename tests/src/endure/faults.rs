//! The fault table as it can be observed: for each row of `multicore/src/faults.md` the ways to bring it
//! about. A test compares the two tables; [`table`](super::table) runs this one.
//!
//! Not in it is what takes a fault point, which `cargo crash` has: a death between claiming and beginning a
//! call. And `panic = "abort"` takes another build: `.ci/profiles abort`.

use super::METHODS;
use super::alone;
use super::dying::Death;
use super::forged;
use super::limited;
use super::observe::{self as seen, dies};
use super::stage::{Seen, Stage};

/// One way to bring a row about.
pub struct Fault {
    /// The row's first cell, without backquotes.
    pub row: &'static str,
    /// What was done.
    pub done: &'static str,
    /// What comes back: a variant of [`multicore::Error`], or what shows that nothing was lost.
    pub back: &'static str,
    /// How often at most, where it takes long.
    pub most: u64,
    /// The start methods under which it can happen.
    pub methods: &'static [&'static str],
    /// Does it, and sees what comes back.
    pub observe: fn(&Stage) -> Seen,
}

impl Fault {
    const fn most(self, most: u64) -> Fault {
        Fault { most, ..self }
    }

    const fn under(self, methods: &'static [&'static str]) -> Fault {
        Fault { methods, ..self }
    }
}

const fn fault(
    row: &'static str,
    done: &'static str,
    back: &'static str,
    observe: fn(&Stage) -> Seen,
) -> Fault {
    Fault { row, done, back, most: u64::MAX, methods: &METHODS, observe }
}

const DEATH: &str =
    "a segmentation fault, an abort, a stack overflow, an allocation that fails, exit(3), kill -9";
const DEADLINE: &str = "the deadline passes";
const ENCODE: &str = "the arguments or the result cannot be encoded";
const DECODE: &str = "the arguments or the result cannot be decoded";
const LARGE: &str = "the arguments or the result are too large";
const RECYCLED: &str = "a worker has had its max_calls, or has more than max_memory after a call";
const KERNEL: &str = "a worker comes to its data_limit or its cpu_limit";
const STOPPED: &str = "a worker is stopped (SIGSTOP)";
const SUPERVISOR: &str = "the supervisor dies";

/// What comes back where nothing is lost.
pub const RESULT: &str = "the result";
/// What comes back where nobody is left to get anything.
pub const GONE: &str = "all are gone";

/// Every way.
pub const FAULTS: [Fault; 45] = [
    fault("the function panics", "panic!", "Panicked", |stage| dies(stage, Death::Panic)),
    fault(
        "a panic ends the process: under panic = \"abort\", or while another panic unwinds",
        "a panic in a destructor while another unwinds",
        "Died",
        |stage| dies(stage, Death::PanicTwice),
    ),
    fault(DEATH, "kill -9 in the middle of a call", "Died", seen::a_kill),
    fault(DEATH, "a store where nothing is mapped", "Died", |stage| dies(stage, Death::BadStore)),
    fault(DEATH, "abort()", "Died", |stage| dies(stage, Death::Abort)),
    fault(DEATH, "a recursion without end, 8 MiB of stack", "Died", |stage| dies(stage, Death::Overflow)),
    fault(DEATH, "an allocation of 8 EiB", "Died", |stage| dies(stage, Death::NoMemory)),
    fault(DEATH, "exit(3)", "Died", |stage| dies(stage, Death::Exit)),
    fault(
        "a worker dies idle, or before it began the call",
        "kill -9 of all idle workers, then a call",
        RESULT,
        seen::idle_deaths,
    ),
    fault(DEADLINE, "20 ms pass", "TimedOut", seen::a_deadline),
    fault(DEADLINE, "20 ms pass, and the task asks cancelled()", "TimedOut", limited::soft_deadline),
    fault(DEADLINE, "20 ms pass, SIGTERM is ignored: 100 ms of grace", "TimedOut", seen::a_deaf_deadline),
    fault("Handle::cancel", "cancel() while it runs", "Cancelled", seen::a_running_cancel),
    fault("Handle::cancel", "cancel() while it waits", "Cancelled", seen::a_queued_cancel),
    fault(ENCODE, "the arguments' Serialize fails", "Encode", seen::arguments_unencodable),
    fault(ENCODE, "the result's Serialize fails", "Encode", seen::result_unencodable),
    fault(DECODE, "the arguments' Deserialize fails", "Decode", seen::arguments_undecodable),
    fault(DECODE, "the result's Deserialize fails", "Decode", seen::result_undecodable),
    fault(LARGE, "5,000 bytes of arguments where 4,096 are allowed", "TooLarge", seen::large_arguments),
    fault(LARGE, "5,000 bytes of result where 4,096 are allowed", "TooLarge", seen::large_result),
    fault(
        "a call that asks for isolation, or is sent to a pool with limits, would have to run in the client",
        "par_ranges!(.., max_load_average = 0.0) of an isolated task",
        "Refused",
        seen::a_refusal,
    ),
    fault("the pool is shut down", "spawn after shutdown()", "Closed", seen::a_closed_pool),
    fault(
        "the pool is shut down",
        "shutdown() while a call runs, with 20 ms for it",
        "Closed",
        seen::a_closing_pool,
    ),
    fault("two tasks have one name or one ID", "the first call of such a program", "Registry", alone::twins),
    fault(
        "client and workers know different tasks",
        "the first call of such a program",
        "Registry",
        alone::strange,
    )
    .under(&["exec"]),
    fault(
        "a call names a task that the worker does not know",
        "a call of an unregistered task",
        "UnknownTask",
        seen::an_unknown_task,
    ),
    fault(RECYCLED, "max_calls(2), and a third call", RESULT, limited::call_limit),
    fault(
        RECYCLED,
        "max_memory(64 MiB), 128 MiB are leaked, and another call",
        RESULT,
        limited::memory_limit,
    ),
    fault(KERNEL, "data_limit(1 GiB), and 2 GiB are allocated", "Died", limited::data_limit),
    fault(KERNEL, "cpu_limit(1 s), and a loop, from its begin", "Died", limited::cpu_limit).most(3),
    fault(SUPERVISOR, "kill -9 of it: a call that runs", "Died", seen::a_dead_supervisor),
    fault(SUPERVISOR, "kill -9 of it: a call that waits", RESULT, seen::a_dead_supervisor_and_a_queued_call),
    fault(
        "no supervisor or no worker becomes ready, ten times in a row",
        "a start hook that fails",
        "RestartLimit",
        alone::start_hook,
    )
    .most(10),
    fault("the kernel refuses something", "the first pool, with 4 descriptors", "Os", alone::no_descriptors),
    fault(
        "the kernel refuses something",
        "the first pool, with files of at most 8 KiB",
        "Os",
        alone::no_file,
    ),
    fault(
        "threads exist where a fork is asked for",
        "initialize() beside a thread",
        "Threads",
        alone::threads,
    )
    .under(&["fork"]),
    fault(
        "an option, a variable or a value makes no sense",
        "a pool of 0 workers",
        "Config",
        seen::a_bad_option,
    ),
    fault(
        "an option, a variable or a value makes no sense",
        "MULTICORE_WORKERS=many",
        "Config",
        alone::bad_variable,
    ),
    fault(
        "an option, a variable or a value makes no sense",
        "MULTICORE_FAULT=explode:square",
        "Config",
        alone::bad_fault,
    ),
    fault(STOPPED, "SIGSTOP, then 20 ms pass", "TimedOut", forged::a_stopped_worker),
    fault(STOPPED, "SIGSTOP of all idle workers, then a call", RESULT, forged::stopped_idle_workers),
    fault(
        "the supervisor is stopped (SIGSTOP)",
        "SIGSTOP, then kill -9 of a worker in the middle of a call",
        "Died",
        forged::a_stopped_supervisor,
    )
    .most(3),
    fault(
        "a worker writes over the shared memory",
        "an impossible phase in every state word",
        "Died",
        forged::impossible_words,
    ),
    fault(
        "a worker of a sandboxed pool writes over what it shares",
        "an impossible phase in its own state word",
        "Died",
        forged::an_impossible_word_of_its_own,
    ),
    fault("the client dies", "kill -9 of it in the middle of calls", GONE, alone::client_dies),
];
