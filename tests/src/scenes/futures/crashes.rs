//! Processes that end where nobody looks for it: while values travel.

use multicore::{Error, Exit, Result, Signal};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::rig::{Rig, builder, with_pool};
use crate::scenes::faults::outcome;
use crate::{payload, wild};

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum End {
    Exits,
    Aborts,
    Faults,
}

impl End {
    const ALL: [End; 3] = [End::Exits, End::Aborts, End::Faults];

    fn come(self) -> ! {
        match self {
            End::Exits => std::process::exit(7),
            End::Aborts => std::process::abort(),
            End::Faults => {
                wild::bad_store();
                unreachable!("nothing is mapped there")
            }
        }
    }

    fn exit(self) -> Exit {
        match self {
            End::Exits => Exit::Code(7),
            End::Aborts => Exit::Signal(Signal(libc::SIGABRT)),
            End::Faults => Exit::Signal(Signal(libc::SIGSEGV)),
        }
    }
}

/// Ends every process that decodes or encodes it, but for its home.
#[derive(Debug, PartialEq)]
struct Deadly {
    home: u32,
    when_decoded: Option<End>,
    when_encoded: Option<End>,
}

impl Deadly {
    fn new(when_decoded: Option<End>, when_encoded: Option<End>) -> Deadly {
        Deadly { home: std::process::id(), when_decoded, when_encoded }
    }

    fn come(&self, end: Option<End>) {
        if let Some(end) = end
            && std::process::id() != self.home
        {
            end.come();
        }
    }
}

impl Serialize for Deadly {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        self.come(self.when_encoded);
        (self.home, self.when_decoded, self.when_encoded).serialize(to)
    }
}

impl<'de> Deserialize<'de> for Deadly {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Self, D::Error> {
        let (home, when_decoded, when_encoded) = Deserialize::deserialize(from)?;
        let deadly = Deadly { home, when_decoded, when_encoded };
        deadly.come(when_decoded);
        Ok(deadly)
    }
}

/// Back and forth.
#[multicore::task]
fn carry(value: Deadly) -> Deadly {
    value
}

/// Never looks at it.
#[multicore::task]
fn crash_with(bytes: &[u8], fine: bool) -> usize {
    if !fine {
        wild::bad_store();
    }
    bytes.len()
}

#[track_caller]
fn ends(rig: &Rig, value: Deadly, end: End) {
    let error = outcome(rig, carry::call(value)).unwrap_err();
    assert!(matches!(&error, Error::Died { exit, started: true, .. } if *exit == end.exit()), "{error:?}");
    rig.check();
}

/// `test_exit_at_task_unpickle` and `test_crash_at_task_unpickle` of CPython's `ExecutorDeadlockTest`.
pub fn a_process_that_ends_while_it_decodes_arguments_costs_that_call() {
    with_pool(|rig| {
        for end in End::ALL {
            ends(rig, Deadly::new(Some(end), None), end);
        }
        assert_eq!(outcome(rig, carry::call(Deadly::new(None, None))).unwrap(), Deadly::new(None, None));
    });
}

/// `test_crash_during_result_pickle_on_worker` and `test_exit_during_result_pickle_on_worker` of CPython's
/// `ExecutorDeadlockTest`.
pub fn a_process_that_ends_while_it_encodes_a_result_costs_that_call() {
    with_pool(|rig| {
        for end in End::ALL {
            ends(rig, Deadly::new(None, Some(end)), end);
        }
    });
}

/// `test_crash_big_data` of CPython's `ExecutorDeadlockTest`: through fewer slots than calls, by handles and by maps.
pub fn crashes_with_large_data_settle_every_call() {
    let rig = Rig::with(builder().workers(2).slots(4));
    let data = payload::bytes(1, payload::MOST);
    let call = |n: usize| crash_with::call(data, n.is_multiple_of(2));
    let check = |n: usize, result: Result<usize>| match result {
        Err(Error::Died { started: true, .. }) => assert_eq!(n % 2, 1),
        result => assert_eq!((n % 2, result.unwrap()), (0, data.len())),
    };
    let handles: Vec<_> = (0..12).map(|n| rig.pool.spawn(call(n)).unwrap()).collect();
    for (n, handle) in handles.into_iter().enumerate() {
        check(n, handle.get());
    }
    for (n, result) in rig.pool.map((0..12).map(call)).enumerate() {
        check(n, result);
    }
    let error = rig.pool.map((0..12).map(call)).collect::<Result<Vec<_>>>().unwrap_err();
    assert!(matches!(error, Error::Died { .. }), "{error:?}");
    rig.end();
}
