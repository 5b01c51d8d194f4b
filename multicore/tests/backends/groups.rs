//! Many calls at once.

use multicore::{Error, Task, par_ranges};

use crate::stage::{NEVER, SOON, Stage};
use crate::tasks;

pub(crate) fn a_task_gives_its_results_in_order(stage: &Stage) {
    let mut task = Task::on(&stage.pool);
    assert!(task.is_empty());
    (0..8).for_each(|n| task.run(tasks::square::call(n)).unwrap());
    assert_eq!(task.len(), 8);
    assert_eq!(task.get().unwrap(), [0, 1, 4, 9, 16, 25, 36, 49]);
    assert!(Task::<u64>::on(&stage.pool).get().unwrap().is_empty());
}

fn message(error: &Error) -> String {
    match error {
        Error::Panicked { message, .. } => message.clone(),
        other => panic!("{other:?}"),
    }
}

pub(crate) fn a_task_gives_the_first_error_in_order(stage: &Stage) {
    let start = || {
        let mut task = Task::on(&stage.pool);
        task.run(tasks::square::call(1)).unwrap();
        task.run(tasks::spill::call("tea")).unwrap();
        task.run(tasks::spill::call("milk")).unwrap();
        task.run(tasks::square::call(2)).unwrap();
        task
    };
    assert_eq!(message(&start().get().unwrap_err()), "spilled tea");
    let all = start().get_all();
    assert_eq!((all[0].as_ref().unwrap(), all[3].as_ref().unwrap()), (&1, &4));
    assert_eq!(
        [&all[1], &all[2]].map(|end| message(end.as_ref().unwrap_err())),
        ["spilled tea", "spilled milk"]
    );
}

pub(crate) fn a_task_takes_more_calls_than_there_are_slots(stage: &Stage) {
    let mut task = Task::on(&stage.pool);
    (0..3000).for_each(|n| task.run(tasks::square::call(n)).unwrap());
    assert_eq!(task.get().unwrap(), (0..3000).map(|n| n * n).collect::<Vec<_>>());
}

pub(crate) fn a_task_comes_back_when_the_time_is_up(stage: &Stage) {
    let mut task = Task::on(&stage.pool);
    task.run(tasks::hold::call(&stage.file("here"), &stage.file("gate"))).unwrap();
    let task = task.get_timeout(SOON).unwrap_err();
    stage.open("gate");
    assert_eq!(task.get_timeout(NEVER).unwrap().unwrap(), [false]);
}

pub(crate) fn a_cancelled_task_gives_what_became_of_each_call(stage: &Stage) {
    let mut task = Task::on(&stage.pool);
    for name in ["a", "b", "c", "d"] {
        task.run(tasks::hold::call(&stage.file(name), &stage.file("gate"))).unwrap();
    }
    stage.wait_for("a");
    task.cancel();
    for end in task.get_all() {
        assert!(matches!(end, Err(Error::Cancelled { .. })), "{end:?}");
    }
}

pub(crate) fn par_ranges_takes_every_shape_and_option(stage: &Stage) {
    let pool = &stage.pool;
    let numbers: Vec<u64> = (0..1000).collect();
    let pairs = par_ranges!(numbers, tasks::bounds, pool = pool).unwrap();
    assert!(pairs.windows(2).all(|pair| pair[0].1 == pair[1].0) && pairs.len() > 2, "{pairs:?}");
    assert_eq!((pairs[0].0, pairs[pairs.len() - 1].1), (0, 1000));
    assert_eq!(par_ranges!(10..20, tasks::range, pool = pool, ranges = 2).unwrap(), [10..15, 15..20]);
    assert_eq!(par_ranges!(numbers, tasks::sum, pool = pool).unwrap().iter().sum::<u64>(), 499_500);
    assert_eq!(par_ranges!(numbers[..3], tasks::sum, pool = pool, min_range_size = 9).unwrap(), [3]);
    assert_eq!(par_ranges!([0_u64; 0], tasks::sum, pool = pool).unwrap(), [0; 0]);
    let here = par_ranges!(numbers, tasks::sum, pool = pool, inline = true).unwrap();
    assert_eq!(here, par_ranges!(numbers, tasks::sum, pool = pool).unwrap());
    // One at a time is one at a time.
    let path = stage.file("trace");
    let jobs: Vec<_> = (0..20).map(|n| (path.clone(), n)).collect();
    par_ranges!(jobs, tasks::trace, pool = pool, ranges = 20, workers = 1).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<u64> = text.lines().map(|line| line.parse().unwrap()).collect();
    assert_eq!(lines, (0..20).flat_map(|n| [n, n]).collect::<Vec<_>>());
}

pub(crate) fn par_ranges_gives_the_first_error_in_order(stage: &Stage) {
    let pool = &stage.pool;
    let error = par_ranges!(0..8, tasks::unlucky, pool = pool, ranges = 8).unwrap_err();
    assert_eq!(message(&error), "unlucky 3");
    stage.pool.shutdown();
    let end = par_ranges!(0..8, tasks::unlucky, pool = pool);
    if stage.is(multicore::Backend::Inline) {
        assert!(matches!(end, Err(Error::Panicked { .. })), "nothing is ended there: {end:?}");
    } else {
        assert!(matches!(end, Err(Error::Closed)), "{end:?}");
    }
}
