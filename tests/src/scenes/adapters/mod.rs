//! Connection managers of `r2d2` as resources: those that are published, as they are, and one of the tests' own.

mod counted;
mod counting;
mod diesel;
mod served;
mod silent;
mod sqlite;

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use multicore::{Call, Handle};

pub use self::counted::*;
pub use self::diesel::*;
pub use self::served::*;
pub use self::silent::*;
pub use self::sqlite::*;
use crate::fixture::Folder;
use crate::rig::{Rig, builder};
use crate::tasks;

/// Names the folder in which the workers of a site have their database.
const FOLDER: &str = "MULTICORE_TEST_FOLDER";

/// A pool with a folder that its workers know.
struct Site {
    rig: Rig,
    folder: Folder,
}

impl Site {
    fn of(workers: usize) -> Site {
        let folder = Folder::new();
        Site { rig: Rig::with(builder().workers(workers).env(FOLDER, folder.path())), folder }
    }

    #[track_caller]
    fn call<R: 'static>(&self, call: Call<'_, R>) -> R {
        self.outcome(call).expect("a worker")
    }

    fn outcome<R: 'static>(&self, call: Call<'_, R>) -> multicore::Result<R> {
        self.rig.pool.spawn(call).and_then(Handle::get)
    }

    /// What all workers did with their connections: how many they made, used again, checked and replaced.
    fn resources(&self) -> [u64; 4] {
        let resources = self.rig.pool.stats().resources();
        [resources.made, resources.reused, resources.checked, resources.replaced]
    }

    /// Everything works still, and nothing is left.
    #[track_caller]
    fn end(self) {
        self.rig.end();
    }
}

/// The folder of the site whose worker this is.
fn folder() -> PathBuf {
    PathBuf::from(std::env::var_os(FOLDER).expect("a worker of a site"))
}

/// Its database.
fn database() -> PathBuf {
    folder().join("db")
}

/// Waits until so many workers are here, or nobody wants them any more.
fn meet(workers: usize) {
    let folder = folder();
    let here = |file: &str| file.starts_with("here-") && !file.contains('.');
    let count = |path: &Path| {
        let files = std::fs::read_dir(path).into_iter().flatten().flatten();
        files.filter(|file| here(&file.file_name().to_string_lossy())).count()
    };
    tasks::write_whole(&folder.join(format!("here-{}", std::process::id())).to_string_lossy(), "");
    while count(&folder) < workers && folder.exists() {
        thread::sleep(Duration::from_millis(1));
    }
}

/// The scenes of this folder that need no server, given to a macro.
#[macro_export]
macro_rules! adapter_scenes {
    ($($then:tt)*) => {
        $($then)*! { adapters:
            a_manager_is_made_once_and_so_is_its_connection
            a_connection_that_has_broken_is_replaced_at_once
            a_connection_that_a_panic_left_broken_is_replaced
            is_valid_is_asked_after_a_failure
            is_valid_is_asked_in_each_call_where_idle_connections_are_checked
            a_check_of_the_users_own_takes_the_place_of_is_valid
            a_managed_connection_is_reset_after_each_call
            a_managed_connection_of_age_zero_is_closed_after_each_call
            a_manager_that_cannot_be_made_is_asked_for_again
            threads_have_one_manager_and_a_connection_each
            a_sqlite_connection_is_made_once_a_worker_and_used_again
            a_sqlite_connection_that_runs_nothing_costs_one_call
            a_sqlite_connection_is_checked_as_the_user_says
            a_transaction_left_open_on_sqlite_is_rolled_back_by_reset
            a_sqlite_connection_of_age_zero_is_one_calls
            errors_of_sqlite_are_those_of_its_manager
            a_busy_database_keeps_its_connections
            a_killed_worker_leaves_no_lock_on_a_database
            a_connection_of_diesel_is_kept_while_transactions_end
            a_connection_of_diesel_in_a_transaction_is_replaced
            a_connection_of_diesel_that_a_panic_left_in_a_transaction_is_replaced
            a_connection_of_diesel_is_reset_after_each_call
            errors_of_diesel_are_those_of_its_manager
            a_server_that_is_not_there_is_the_managers_error
            a_managers_own_time_limit_is_its_error
            a_silent_server_costs_a_call_with_a_time_limit_its_worker_alone
        }
    };
}

/// The scenes of this folder in front of a PostgreSQL server, given to a macro.
#[macro_export]
macro_rules! served_scenes {
    ($($then:tt)*) => {
        $($then)*! { adapters:
            a_postgres_connection_is_made_once_a_worker_and_used_again
            a_terminated_postgres_connection_knows_and_costs_one_call
            a_terminated_postgres_connection_that_is_checked_costs_no_call
            a_failed_statement_keeps_its_postgres_connection
            a_transaction_left_open_on_postgres_is_rolled_back_by_reset
            a_postgres_connection_of_age_zero_is_closed_after_each_call
            errors_of_postgres_are_those_of_its_manager
        }
    };
}
