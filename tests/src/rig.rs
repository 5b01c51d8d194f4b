//! A pool together with what can be seen of it from outside.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use multicore::{Config, Pool, Sandbox};

use crate::fixture::in_family;
use crate::procfs::{self, Stat};
use crate::tasks;
use crate::watch::eventually;

/// Whether the pools of this process's scenes have their calls handed out.
static HANDED: AtomicBool = AtomicBool::new(false);

/// From now on [`builder`] makes pools whose workers have private regions, and whose supervisor hands the
/// calls out: sandboxes without walls, so that tasks can do whatever a scene is about.
pub fn hand_calls_out() {
    HANDED.store(true, Relaxed);
}

/// Whether they have: what such a worker counts nobody else sees.
pub fn are_handed_out() -> bool {
    HANDED.load(Relaxed)
}

/// The options of a pool of a scene.
pub fn builder() -> Config {
    let config = Pool::builder();
    if HANDED.load(Relaxed) { handed(config) } else { config }
}

fn handed(config: Config) -> Config {
    in_family(config.sandbox(Sandbox::new().without_landlock().without_seccomp()))
}

/// A pool whose processes are known.
pub struct Rig {
    /// The pool.
    pub pool: Pool,
    first_supervisor: Stat,
}

impl Rig {
    /// A pool of so many workers.
    ///
    /// # Panics
    /// When there is no pool to be had.
    #[track_caller]
    pub fn new(workers: usize) -> Rig {
        Rig::with(builder().workers(workers))
    }

    /// A pool of this kind.
    ///
    /// # Panics
    /// When there is no pool to be had.
    #[track_caller]
    pub fn with(config: Config) -> Rig {
        let pool = config.build().expect("a pool");
        let first_supervisor = supervisor(&pool);
        Rig { pool, first_supervisor }
    }

    /// The supervisor of now.
    pub fn supervisor(&self) -> Stat {
        supervisor(&self.pool)
    }

    /// The supervisor of the worker whose child this is.
    ///
    /// # Panics
    /// When one of them is gone.
    pub fn supervisor_of(&self, child: &Stat) -> Stat {
        self.supervisor_of_worker(&procfs::stat(child.parent).expect("a worker"))
    }

    /// This worker's supervisor.
    ///
    /// # Panics
    /// When it is gone.
    pub fn supervisor_of_worker(&self, worker: &Stat) -> Stat {
        procfs::stat(worker.parent).expect("a supervisor")
    }

    /// The workers of now, once all seats are taken.
    pub fn workers(&self) -> Vec<Stat> {
        let mut workers = Vec::new();
        eventually("every seat is taken, and nobody else is the supervisor's child", || {
            // Asked again: the one of before may have been about to die.
            workers = procfs::children(self.supervisor().pid);
            workers.len() == self.pool.workers() && workers.iter().all(|worker| !worker.is_zombie())
        });
        workers
    }

    /// Checks that the pool works, that it has all its workers, and that nothing else is left.
    ///
    /// # Panics
    /// When one of that does not hold.
    #[track_caller]
    pub fn check(&self) {
        let count = 4 * self.pool.workers() as u64;
        let handles: Vec<_> = (0..count).map(|n| self.pool.spawn(tasks::square::call(n)).unwrap()).collect();
        for (n, handle) in (0..).zip(handles) {
            assert_eq!(handle.get().unwrap(), n * n, "the pool goes on working");
        }
        for worker in self.workers() {
            assert_eq!(procfs::children(worker.pid), [], "a worker has no children");
        }
    }

    /// Ends the pool, and checks that all its processes have ended.
    ///
    /// # Panics
    /// When one has not.
    #[track_caller]
    pub fn end(self) {
        self.check();
        let mut processes = self.workers();
        processes.extend([self.supervisor(), self.first_supervisor]);
        drop(self.pool);
        for process in processes {
            assert!(!process.lives(), "{process:?} outlives its pool");
        }
    }
}

/// The process above the pool's workers.
fn supervisor(pool: &Pool) -> Stat {
    let mut found = None;
    eventually("a worker tells its parent", || {
        let pid = pool.spawn(tasks::parent::call()).and_then(multicore::Handle::get).expect("a worker");
        found = procfs::stat(pid).filter(|stat| stat.name.contains(": super"));
        found.is_some()
    });
    found.expect("just found")
}

/// Runs `scene` with a pool of two workers, and then checks that the pool is as good as new.
pub fn with_pool(scene: impl FnOnce(&Rig)) {
    let rig = Rig::new(2);
    scene(&rig);
    rig.end();
}
