//! Faults that a program observes in itself: each is done once, and what comes back is told.

use std::time::Duration;

use multicore::Pool;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::dying::{self, Death, Loop};
use super::stage::{Seen, Stage};
use crate::moment::{self, Note};
use crate::procfs;
use crate::tasks;
use crate::wild;

/// The deadlines here.
const SOON: Duration = Duration::from_millis(20);
/// And where there is none.
pub(super) const FOREVER: Duration = Duration::from_secs(600);

fn send(pid: i32, signal: Signal) -> u64 {
    let moment = moment::now();
    kill(Pid::from_raw(pid), signal).expect("a process of ours");
    moment
}

/// An endless call that has begun.
fn begun(stage: &Stage) -> (multicore::Handle<()>, Note) {
    dying::begin(&stage.rig.pool, Loop::Asleep, FOREVER, &stage.note())
}

/// Its own fault.
pub fn dies(stage: &Stage, how: Death) -> Seen {
    let path = stage.note();
    let outcome = stage.spawn(dying::die::call(how, &path)).get();
    let back = moment::now();
    Seen::at(back, moment::noted(&path).at, outcome)
}

/// From outside.
pub fn a_kill(stage: &Stage) -> Seen {
    let (handle, note) = begun(stage);
    let moment = send(note.pids[0], Signal::SIGKILL);
    Seen::now(moment, handle.get())
}

/// Of both workers, once they sleep: a call made at once finds others.
pub fn idle_deaths(stage: &Stage) -> Seen {
    let workers = stage.sleeping_workers();
    let moment = workers.iter().map(|worker| send(worker.pid, Signal::SIGKILL)).min().expect("two workers");
    Seen::now(moment, stage.spawn(tasks::square::call(7)).get())
}

/// From the deadline, counted from the task's own first moment.
pub(super) fn over_time(how: Loop, stage: &Stage) -> Seen {
    let (handle, note) = dying::begin(&stage.rig.pool, how, SOON, &stage.note());
    Seen::now(deadline(&note), handle.get())
}

fn deadline(note: &Note) -> u64 {
    note.at + SOON.as_nanos() as u64
}

/// A task that SIGTERM ends.
pub fn a_deadline(stage: &Stage) -> Seen {
    over_time(Loop::Plain, stage)
}

/// A task that it does not.
pub fn a_deaf_deadline(stage: &Stage) -> Seen {
    over_time(Loop::Deaf, stage)
}

/// One that has begun.
pub fn a_running_cancel(stage: &Stage) -> Seen {
    let (handle, _) = begun(stage);
    let moment = moment::now();
    handle.cancel();
    Seen::now(moment, handle.get())
}

/// One behind two others, which are cancelled after it.
pub fn a_queued_cancel(stage: &Stage) -> Seen {
    let running = [(); 2].map(|()| begun(stage).0);
    let queued = stage.spawn(tasks::square::call(7));
    let moment = moment::now();
    queued.cancel();
    let seen = Seen::now(moment, queued.get());
    running.iter().for_each(multicore::Handle::cancel);
    for handle in running {
        handle.get().expect_err("it was cancelled");
    }
    seen
}

/// A call from its beginning to its error.
fn called<R: 'static>(pool: &Pool, call: multicore::Call<'_, R>) -> Seen {
    let moment = moment::now();
    Seen::now(moment, pool.spawn(call).and_then(multicore::Handle::get))
}

/// In the client.
pub fn arguments_unencodable(stage: &Stage) -> Seen {
    called(&stage.rig.pool, tasks::take_fails_ser::call(tasks::FailsInSerialize(1)))
}

/// In the worker.
pub fn result_unencodable(stage: &Stage) -> Seen {
    called(&stage.rig.pool, tasks::make_fails_ser::call(1))
}

/// In the worker.
pub fn arguments_undecodable(stage: &Stage) -> Seen {
    called(&stage.rig.pool, tasks::take_fails_de::call(tasks::FailsInDeserialize(1)))
}

/// In the client.
pub fn result_undecodable(stage: &Stage) -> Seen {
    called(&stage.rig.pool, tasks::make_fails_de::call(1))
}

/// In the client.
pub fn large_arguments(stage: &Stage) -> Seen {
    called(&stage.small, tasks::length::call(&[7; 5000]))
}

/// In the worker.
pub fn large_result(stage: &Stage) -> Seen {
    called(&stage.small, tasks::zeroes::call(5000))
}

/// The machine is never idle enough for a threshold of nothing.
pub fn a_refusal(stage: &Stage) -> Seen {
    let moment = moment::now();
    Seen::now(
        moment,
        multicore::par_ranges!(0..4, tasks::ran_isolated, pool = &stage.rig.pool, max_load_average = 0.0),
    )
}

/// New calls.
pub fn a_closed_pool(_stage: &Stage) -> Seen {
    let pool = Pool::builder().workers(1).build().expect("a pool");
    pool.shutdown();
    called(&pool, tasks::square::call(7))
}

/// Old ones, when the time for them is up.
pub fn a_closing_pool(stage: &Stage) -> Seen {
    let pool = Pool::builder().workers(1).shutdown_timeout(SOON).build().expect("a pool");
    let (handle, _) = dying::begin(&pool, Loop::Asleep, FOREVER, &stage.note());
    let moment = moment::now();
    pool.shutdown();
    Seen::now(moment, handle.get())
}

/// Which the client alone knows.
pub fn an_unknown_task(stage: &Stage) -> Seen {
    called(&stage.rig.pool, wild::stranger())
}

/// Two calls that run and one that waits when the supervisor dies: the first of them, and the last.
fn without_supervisor(stage: &Stage) -> (Seen, Seen) {
    let running = [(); 2].map(|()| begun(stage));
    let queued = stage.spawn(tasks::square::call(7));
    let supervisor = procfs::stat(running[0].1.pids[0]).expect("a worker").parent;
    let moment = send(supervisor, Signal::SIGKILL);
    let [first, second] = running.map(|(handle, _)| Seen::now(moment, handle.get()));
    assert_eq!(first.back, second.back);
    (first, Seen::now(moment, queued.get()))
}

/// Costs what runs.
pub fn a_dead_supervisor(stage: &Stage) -> Seen {
    without_supervisor(stage).0
}

/// And nothing else.
pub fn a_dead_supervisor_and_a_queued_call(stage: &Stage) -> Seen {
    without_supervisor(stage).1
}

/// When the pool is made.
pub fn a_bad_option(_stage: &Stage) -> Seen {
    let moment = moment::now();
    Seen::now(moment, Pool::builder().workers(0).build())
}
