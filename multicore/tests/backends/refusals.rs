//! What a backend cannot do is an error: nothing is ignored.

use std::time::Duration;

use multicore::{Backend, Call, Config, Error, Start, par_ranges};

use crate::stage::Stage;
use crate::tasks;

/// An option by its name, and how it is set.
type Set = (&'static str, fn(Config, Duration) -> Config);

pub(crate) fn options_that_do_not_go_with_the_backend_are_errors(stage: &Stage) {
    let second = Duration::from_secs(1);
    let options: [Set; 15] = [
        ("timeout", |config, second| config.timeout(second)),
        ("grace", |config, second| config.grace(second)),
        ("start", |config, _| config.start(Start::Exec)),
        ("keep_fds", |config, _| config.keep_fds([2])),
        ("spin", |config, _| config.spin(Duration::ZERO)),
        ("warm_memory", |config, _| config.warm_memory(0)),
        ("max_calls", |config, _| config.max_calls(100)),
        ("max_memory", |config, _| config.max_memory(1 << 30)),
        ("data_limit", |config, _| config.data_limit(4 << 30)),
        ("cpu_limit", |config, _| config.cpu_limit(Duration::from_secs(1000))),
        ("file_limit", |config, _| config.file_limit(100)),
        ("niceness", |config, _| config.niceness(19)),
        ("cpus", |config, _| config.cpus([0])),
        ("pin", |config, _| config.pin(true)),
        ("env", |config, _| config.env("COLOUR", "blue")),
    ];
    for (name, set) in options {
        let pool = set(stage.config(), second).build();
        match (stage.backend, &pool) {
            (Backend::Processes, Ok(_)) => {}
            // This machine may not have a core 0.
            (Backend::Processes, Err(Error::Config { what, .. })) if what == "cpus" => {}
            (Backend::Threads | Backend::Inline, Err(Error::Config { what, why, .. })) => {
                assert_eq!(what, name);
                assert!(why.contains(&format!("`{:?}`", stage.backend)), "{why}");
            }
            _ => panic!("{name}: {pool:?}"),
        }
    }
    let both = stage.config().shutdown_timeout(second).max_load_average(0.5).pin(false).build();
    both.unwrap();
}

pub(crate) fn calls_that_need_a_process_are_refused_without(stage: &Stage) {
    let minute = Duration::from_secs(60);
    let calls: [(&str, Call<'_, u64>); 3] = [
        ("a timeout", tasks::square::call(3).timeout(minute)),
        ("retries", tasks::square::call(3).retries(1)),
        ("isolation", tasks::square::call(3).isolate()),
    ];
    for (what, call) in calls {
        let end = stage.end(call);
        match (stage.backend, &end) {
            (Backend::Processes, Ok(9)) => {}
            (Backend::Threads | Backend::Inline, Err(Error::Refused { why, .. })) => {
                assert!(why.contains("square") && why.contains(what), "{why}");
            }
            _ => panic!("{what}: {end:?}"),
        }
    }
    let pool = &stage.pool;
    let end = par_ranges!(0..9, tasks::range, pool = pool, timeout = minute);
    assert_eq!(end.is_ok(), stage.is(Backend::Processes), "{end:?}");
}
