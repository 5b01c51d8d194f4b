//! Django's rules for connections that persist, each in a scene of its name, against a real server.
//!
//! There they hold around a request, here around a call. The server and what it has to do is the business of the test
//! that plays a scene (`tests/tests/django.rs`): it hears of it by `ask`.

mod ages;
mod dead;
mod ends;
mod forks;
mod makers;
mod transactions;

use std::io::Write;

use multicore::{Call, Config, Pool};
use test_postgres::{Admin, Connection};

pub use self::ages::*;
pub use self::dead::*;
pub use self::ends::*;
pub use self::forks::*;
pub use self::makers::*;
pub use self::transactions::*;
use crate::crew;
use crate::fixture::Folder;
use crate::tasks::connections::{self, Kind, URL};
use crate::watch::eventually;

/// Names the server's log.
pub const LOG: &str = "MULTICORE_TEST_POSTGRES_LOG";

/// Has whoever plays the scene do something to the server: `stop`, `resume` or `restart`.
fn ask(what: &str) {
    println!("{what}");
    std::io::stdout().flush().expect("somebody listens");
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer).expect("an answer");
    assert_eq!(answer, "go on\n");
}

/// A pool in front of a server, and the server's own view of its connections.
struct Site {
    pool: Pool,
    admin: Admin,
    application: String,
}

impl Site {
    /// With two workers, or two threads; or the calling thread.
    fn new() -> Site {
        Site::of(2)
    }

    fn of(workers: usize) -> Site {
        Site::with(Pool::builder().workers(workers))
    }

    fn with(config: Config) -> Site {
        let url = std::env::var(URL).expect("a server");
        let (server, application) = url.split_once("?application_name=").expect("a name");
        Site {
            pool: config.build().expect("a pool"),
            admin: Admin::at(server),
            application: application.to_owned(),
        }
    }

    /// The server's view again, once it was away.
    fn look_again(&mut self) {
        let url = std::env::var(URL).expect("a server");
        self.admin = Admin::at(url.split('?').next().expect("a server"));
    }

    /// How many connections of a kind there may be.
    fn workers(&self) -> usize {
        crew::size(&self.pool)
    }

    #[track_caller]
    fn call<R: 'static>(&self, call: Call<'_, R>) -> R {
        crew::call(&self.pool, call)
    }

    #[track_caller]
    fn backend(&self, kind: Kind) -> i32 {
        self.call(connections::backend::call(kind)).expect("a connection")
    }

    /// One call in each worker, all at once: the server's processes, and how many calls failed.
    #[track_caller]
    fn everywhere(&self, kind: Kind) -> (Vec<i32>, usize) {
        self.run_everywhere(kind, "")
    }

    /// As the one before, and each runs some statements.
    #[track_caller]
    fn run_everywhere(&self, kind: Kind, statements: &str) -> (Vec<i32>, usize) {
        let folder = Folder::new();
        let outcomes = crew::everywhere(&self.pool, &folder, |path, workers| {
            connections::backend_here::call(kind, statements, path, workers)
        });
        let mut pids: Vec<i32> =
            outcomes.iter().filter_map(|outcome| outcome.as_ref().ok().copied()).collect();
        pids.sort_unstable();
        (pids, outcomes.iter().filter(|outcome| outcome.is_err()).count())
    }

    /// The connections of now, as the server has them.
    fn connections(&mut self) -> Vec<Connection> {
        self.admin.connections(&self.application)
    }

    fn pids(&mut self) -> Vec<i32> {
        let mut pids: Vec<i32> = self.connections().into_iter().map(|connection| connection.pid).collect();
        pids.sort_unstable();
        pids
    }

    /// Waits for the server to have these and no others: it learns of an end a moment later.
    #[track_caller]
    fn has_only(&mut self, mut expected: Vec<i32>) {
        expected.sort_unstable();
        eventually(&format!("the server has {expected:?} alone"), || self.pids() == expected);
    }

    /// What the server noted about a connection, line by line.
    fn noted(&self, pid: i32) -> Vec<String> {
        let log = std::fs::read(std::env::var(LOG).expect("a log")).expect("the log");
        let prefix = format!("{pid} {}: ", self.application);
        let log = String::from_utf8_lossy(&log);
        log.lines().filter_map(|line| line.strip_prefix(&prefix).map(str::to_owned)).collect()
    }

    /// Waits for the server to note the end of a connection; whether its client said goodbye.
    #[track_caller]
    fn said_goodbye(&self, pid: i32) -> bool {
        eventually("the server notes the end", || self.notes(pid, "disconnection:"));
        !self.notes(pid, "unexpected EOF") && !self.notes(pid, "could not receive")
    }

    fn notes(&self, pid: i32, what: &str) -> bool {
        self.noted(pid).iter().any(|line| line.contains(what))
    }
}

/// The scenes of this folder that hold wherever calls run, given to a macro.
#[macro_export]
macro_rules! django_scenes {
    ($($then:tt)*) => {
        $($then)*! { django:
            age_zero_closes_after_each_call
            no_age_keeps
            the_server_has_as_many_connections_as_there_are_workers
            a_terminated_connection_costs_one_call_at_most_for_each_worker
            a_restarted_server_costs_one_call_at_most_for_each_worker
            an_idle_timeout_of_the_server_costs_one_call_at_most_for_each_worker
            checked_in_each_call_a_terminated_connection_costs_none
            checked_in_each_call_a_restarted_server_costs_none
            checked_in_each_call_an_idle_timeout_costs_none
            a_new_connection_is_not_checked_and_an_older_one_once_a_call
            after_a_failed_call_a_connection_is_checked_once_and_kept
            without_a_check_a_failure_keeps_and_a_panic_replaces
            a_call_that_hides_an_error_can_say_that_a_connection_is_suspect
            a_transaction_left_open_is_rolled_back_before_the_next_call
            a_transaction_of_a_call_that_failed_is_rolled_back
            a_transaction_of_a_call_that_panicked_is_rolled_back
            without_a_reset_a_transaction_stays_open
            a_connection_that_cannot_be_rolled_back_is_replaced
            a_connection_that_cannot_be_made_is_tried_again_at_the_next_use
            a_worker_that_ends_says_goodbye
            connections_are_closed_in_reverse_order
            a_thread_that_ends_closes_its_connection
        }
    };
}

/// The scenes of this folder about worker processes, given to a macro.
#[macro_export]
macro_rules! django_process_scenes {
    ($($then:tt)*) => {
        $($then)*! { django:
            a_recycled_worker_says_goodbye
            a_killed_worker_says_nothing_and_its_connection_is_gone
            a_child_of_a_worker_leaves_alone_what_its_parent_has
        }
    };
}

/// The scenes of this folder about programs with one thread that fork, given to a macro.
#[macro_export]
macro_rules! django_fork_scenes {
    ($($then:tt)*) => {
        $($then)*! { django:
            workers_leave_alone_what_was_made_before_they_were_forked
            a_child_of_the_client_leaves_alone_what_its_parent_has
        }
    };
}

/// The scenes of this folder about inline pools, given to a macro.
#[macro_export]
macro_rules! django_inline_scenes {
    ($($then:tt)*) => {
        $($then)*! { django: a_thread_that_called_inline_closes_its_connection }
    };
}

/// The scenes of this folder about time, for the program `clocks`, given to a macro.
#[macro_export]
macro_rules! django_clock_scenes {
    ($($then:tt)*) => {
        $($then)*! { django: age_is_measured_by_a_monotonic_clock }
    };
}
