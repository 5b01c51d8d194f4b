//! Backends that this build does not have.

#[cfg(not(all(processes, threads)))]
use multicore::{Backend, Config, Error};

/// What is wrong with it, and what to do.
#[cfg(not(all(processes, threads)))]
fn why(backend: Backend) -> String {
    match Config::new().backend(backend).build() {
        Err(Error::Config { what, why, .. }) if what == "backend" => why,
        other => panic!("{other:?}"),
    }
}

#[cfg(not(threads))]
#[test]
fn threads_that_are_not_built_in_name_their_feature() {
    assert!(why(Backend::Threads).contains("features = [\"threads\"]"));
}

#[cfg(not(processes))]
mod elsewhere {
    use std::time::Duration;

    use multicore::{Backend, Error, Handle, Pool};

    use super::why;
    use crate::tasks;

    #[test]
    fn processes_that_there_cannot_be_say_where_there_are() {
        assert!(why(Backend::Processes).contains("Linux alone"));
        assert!(matches!(Pool::processes(), Err(Error::Config { .. })));
    }

    #[test]
    fn whatever_names_no_backend_runs_on_threads() {
        let pool = Pool::builder().workers(2).build().unwrap();
        assert_eq!((pool.backend(), pool.start_method()), (Backend::Threads, None));
        assert_eq!(pool.spawn(tasks::square::call(4)).and_then(Handle::get).unwrap(), 16);
        let limited = pool.spawn(tasks::square::call(4).timeout(Duration::from_secs(9)));
        assert!(matches!(limited, Err(Error::Refused { .. })), "{limited:?}");
        let timed = Pool::builder().timeout(Duration::from_secs(9)).build();
        assert!(matches!(&timed, Err(Error::Config { what, .. }) if what == "timeout"), "{timed:?}");
    }
}
