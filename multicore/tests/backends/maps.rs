//! Maps, and handles that are waited for together.

use multicore::{Backend, Error, as_completed, join_all, join_all_timeout, select_first};

use crate::stage::{NEVER, SOON, Stage};
use crate::tasks;

pub(crate) fn a_map_gives_results_in_order_and_is_lazy(stage: &Stage) {
    let squares: Vec<u64> = stage.pool.map((0..500).map(tasks::square::call)).map(Result::unwrap).collect();
    assert!(squares.iter().zip(0..).all(|(square, n)| *square == n * n));
    let mut asked = 0;
    let mut endless = stage.pool.map((0..).inspect(|_| asked += 1).map(tasks::square::call));
    assert_eq!(endless.next().unwrap().unwrap(), 0);
    assert_eq!(endless.nth(9).unwrap().unwrap(), 100);
    drop(endless);
    assert!((11..100).contains(&asked), "{asked}");
    let mut mixed = stage.pool.map([1, 7, 2].into_iter().map(|n| match n {
        7 => tasks::spill::call("seven"),
        n => tasks::square::call(n),
    }));
    assert_eq!(mixed.next().unwrap().unwrap(), 1);
    assert!(matches!(mixed.next(), Some(Err(Error::Panicked { .. }))));
    assert_eq!(mixed.next().unwrap().unwrap(), 4);
    assert!(mixed.next().is_none());
}

pub(crate) fn an_unordered_map_gives_every_result(stage: &Stage) {
    let indexed = stage.pool.map_unordered((0..500).map(tasks::square::call)).in_flight(5).indexed();
    let mut all: Vec<(usize, u64)> = indexed.map(|(at, result)| (at, result.unwrap())).collect();
    all.sort_unstable();
    assert!(all.iter().zip(0..).all(|(one, n)| *one == (n as usize, n * n)));
    assert_eq!(all.len(), 500);
}

pub(crate) fn handles_are_joined(stage: &Stage) {
    let spawn = || (0..20).map(|n| stage.spawn(tasks::square::call(n)));
    let squares: Vec<u64> = (0..20).map(|n| n * n).collect();
    assert_eq!(join_all(spawn()).into_iter().map(Result::unwrap).collect::<Vec<_>>(), squares);
    let mut completed: Vec<_> = as_completed(spawn()).map(|(at, result)| (at, result.unwrap())).collect();
    completed.sort_unstable();
    assert_eq!(completed, squares.iter().copied().enumerate().collect::<Vec<_>>());
    let joined = join_all_timeout(spawn(), NEVER);
    assert_eq!((joined.finished.len(), joined.pending.len()), (20, 0));
    let first = select_first(spawn()).unwrap();
    assert_eq!((first.result.unwrap(), first.rest.len()), (squares[first.index], 19));
}

/// Of those that are under way the ones that are finished come, and the others go on.
pub(crate) fn what_is_not_finished_in_time_comes_back(stage: &Stage) {
    let held = stage.spawn(tasks::hold::call(&stage.file("here"), &stage.file("gate")));
    let quick = stage.spawn(tasks::is_cancelled::call());
    let first = select_first([held, quick]).unwrap();
    assert_eq!((first.index, first.result.unwrap()), (1, false));
    let (_, held) = first.rest.into_iter().next().unwrap();
    let joined = join_all_timeout([held, stage.spawn(tasks::is_cancelled::call())], SOON);
    let (_, held) = joined.pending.into_iter().next().unwrap();
    let mut completed = as_completed([held]);
    assert!(completed.next_timeout(SOON).is_err());
    stage.open("gate");
    assert!(!completed.next().unwrap().1.unwrap());
    assert!(completed.next().is_none());
}

pub(crate) fn a_dropped_map_cancels_what_is_under_way(stage: &Stage) {
    let gates: Vec<_> = (0..4).map(|n| (stage.file(&n.to_string()), stage.file("gate"))).collect();
    let mut map = stage.pool.map(
        std::iter::once(tasks::is_cancelled::call())
            .chain(gates.iter().map(|(here, gate)| tasks::hold::call(here, gate))),
    );
    assert!(!map.next().unwrap().unwrap());
    drop(map);
    // It finishes what runs, and the gate is closed.
    stage.pool.shutdown();
    if stage.is(Backend::Threads) {
        assert!(gates.iter().all(|(here, _)| {
            let began = std::path::Path::new(here).exists();
            !began || std::path::Path::new(&format!("{here}.asked")).exists()
        }));
    }
}
