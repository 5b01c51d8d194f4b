//! Faults that a pool's own limits bring about.

use std::time::Duration;

use multicore::{Call, Config, Handle, Pool};

use super::dying::{self, Death, Loop};
use super::observe::over_time;
use super::stage::{Seen, Stage};
use crate::{moment, tasks};

/// A pool of one worker, which this call's end is the end of: from there to the answer of the next one.
fn recycled<R: 'static>(config: Config, last: Call<'_, R>) -> Seen {
    let pool = config.workers(1).build().expect("a pool");
    let worker = pool.spawn(tasks::whoami::call()).and_then(Handle::get).expect("a worker");
    let _ = pool.spawn(last).and_then(Handle::get).expect("its result");
    let moment = moment::now();
    let next = pool.spawn(tasks::whoami::call()).and_then(Handle::get);
    assert!(next.as_ref().is_ok_and(|&next| next != worker), "another worker: {next:?}");
    Seen::now(moment, next)
}

/// Its second call is a worker's last.
pub fn call_limit(_stage: &Stage) -> Seen {
    recycled(Pool::builder().max_calls(2), tasks::square::call(7))
}

/// Its second call leaves more than it may.
pub fn memory_limit(_stage: &Stage) -> Seen {
    recycled(Pool::builder().max_memory(64 << 20), dying::leak::call(128 << 20))
}

/// A call that notes its moment in `path`, and that the kernel ends.
fn ended_by_kernel<R: 'static>(config: Config, call: Call<'_, R>, path: &str) -> Seen {
    let pool = config.workers(1).build().expect("a pool");
    let outcome = pool.spawn(call).and_then(Handle::get);
    let back = moment::now();
    Seen::at(back, moment::noted(path).at, outcome)
}

/// Memory that is there, and that it may not have.
pub fn data_limit(stage: &Stage) -> Seen {
    let path = stage.note();
    ended_by_kernel(Pool::builder().data_limit(1 << 30), dying::die::call(Death::TooMuchMemory, &path), &path)
}

/// From the first moment, not from the death, which nobody sees but the kernel.
pub fn cpu_limit(stage: &Stage) -> Seen {
    let path = stage.note();
    let config = Pool::builder().cpu_limit(Duration::from_secs(1));
    ended_by_kernel(config, dying::run_on::call(Loop::Plain, &path), &path)
}

/// A task that asks whether it is to end, and does.
pub fn soft_deadline(stage: &Stage) -> Seen {
    over_time(Loop::Polite, stage)
}
