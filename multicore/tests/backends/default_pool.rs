//! The default pool, which the whole process has one of.

use std::sync::{Mutex, MutexGuard, PoisonError};

use multicore::{Backend, Config, Error, Start, Task, TrySpawnError, par_ranges};

use crate::stage::Stage;
use crate::tasks;

/// It is one check's at a time.
fn open(stage: &Stage) -> MutexGuard<'static, ()> {
    static USED: Mutex<()> = Mutex::new(());
    let used = USED.lock().unwrap_or_else(PoisonError::into_inner);
    multicore::shutdown();
    multicore::initialize_with(with_start(stage.config(), stage.backend)).unwrap();
    used
}

/// This process has threads, so its default pool cannot be forked from it.
fn with_start(config: Config, backend: Backend) -> Config {
    if backend == Backend::Processes { config.start(Start::Exec) } else { config }
}

pub(crate) fn the_default_pool_runs_on_it(stage: &Stage) {
    let _used = open(stage);
    let (process, _) = tasks::place::call().get().unwrap();
    assert_eq!(process == std::process::id(), !stage.is(Backend::Processes));
    assert_eq!(tasks::square::call(4).spawn().unwrap().get().unwrap(), 16);
    assert_eq!(par_ranges!([1, 2, 3], tasks::sum, ranges = 1).unwrap(), [6]);
    let mut task = Task::new();
    (0..30).for_each(|n| task.run(tasks::square::call(n)).unwrap());
    assert_eq!(task.get().unwrap(), (0..30).map(|n| n * n).collect::<Vec<_>>());
    multicore::shutdown();
    assert!(matches!(tasks::square::call(1).get(), Err(Error::Closed)));
}

pub(crate) fn try_spawn_on_a_full_pool_hands_the_call_back(stage: &Stage) {
    let _used = open(stage);
    let held: Vec<_> = (0..8)
        .map(|n| tasks::hold::call(&stage.file(&n.to_string()), &stage.file("gate")).try_spawn().unwrap())
        .collect();
    let Err(TrySpawnError::Full(call)) = tasks::square::call(7).try_spawn() else {
        panic!("there is no room")
    };
    stage.open("gate");
    held.into_iter().for_each(|handle| assert!(!handle.get().unwrap()));
    assert_eq!(call.try_spawn().unwrap().get().unwrap(), 49);
    multicore::shutdown();
}
