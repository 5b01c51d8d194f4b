//! A worker's side of shared data: it asks the supervisor for what it meets for the first time, and lets go
//! of it between two calls.

use std::collections::HashMap;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use serde::{Deserialize, Serialize};

use crate::processes::control;
use crate::processes::worker::ready::NO_SUPERVISOR;
use crate::shared::data::Data;
use crate::shm::layout::Head;
use crate::shm::space::Shape;
use crate::sys::fault::point;
use crate::sys::process;

/// From a worker to its supervisor.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::processes) enum Question {
    /// The descriptor of this.
    Map { id: u64 },
    /// Which of these are gone.
    Which { ids: Vec<u64> },
}

/// From a supervisor to its worker.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::processes) enum Answer {
    /// Descriptor: a sealed file of so many bytes.
    Here { len: u64 },
    /// The client has let go of it, or never had it.
    Unknown,
    /// The supervisor may have no more descriptors, or no more on their way.
    NoRoom,
    /// Nobody names these any more.
    Gone { ids: Vec<u64> },
}

/// Numbers in one question; an answer with all of them fits the supervisor's short queue.
const AT_ONCE: usize = 128;

/// Where this worker asks.
static ROAD: OnceLock<OwnedFd> = OnceLock::new();
/// What it has mapped.
static MAPPED: Mutex<Option<HashMap<u64, Arc<Data>>>> = Mutex::new(None);
/// Which of the head's numbers it has seen last.
static SEEN: AtomicU32 = AtomicU32::new(0);

/// In a worker, once: where it asks.
pub(in crate::processes) fn ask_on(road: OwnedFd) {
    let _ = ROAD.set(road);
}

fn mapped() -> MutexGuard<'static, Option<HashMap<u64, Arc<Data>>>> {
    MAPPED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The shared data that the client has under this number.
///
/// # Errors
/// In words: why it is not to be had.
pub(crate) fn find(id: u64) -> Result<Arc<Data>, String> {
    find_or(id, || {
        let (file, len) = fetch(id)?;
        Data::sent(id, &file, len as usize)
            .map_err(|error| format!("shared data could not be mapped: {error}"))
    })
}

/// The queue that the client has under this number.
///
/// # Errors
/// In words: why it is not to be had.
pub(crate) fn find_queue(id: u64, shape: Shape) -> Result<Arc<Data>, String> {
    find_or(id, || {
        let (file, _) = fetch(id)?;
        Data::sent_queue(id, file, shape).map_err(|error| format!("a queue could not be mapped: {error}"))
    })
}

fn find_or(id: u64, fetch: impl FnOnce() -> Result<Arc<Data>, String>) -> Result<Arc<Data>, String> {
    let mut mapped = mapped();
    let known = mapped.get_or_insert_default();
    if let Some(data) = known.get(&id) {
        return Ok(data.clone());
    }
    let data = fetch()?;
    point("share-mapped");
    known.insert(id, data.clone());
    Ok(data)
}

/// The file of what the client has under this number, and how long it is.
fn fetch(id: u64) -> Result<(OwnedFd, u64), String> {
    let (answer, fds) = ask(&Question::Map { id })?;
    match (answer, fds.into_iter().next()) {
        (Answer::Here { len }, Some(file)) => Ok((file, len)),
        (Answer::Here { .. }, None) => {
            Err("the worker has no descriptor left to map shared data by; raise `ulimit -n`".to_owned())
        }
        (Answer::NoRoom, _) => {
            Err("the supervisor has no descriptor left for more shared data; raise `ulimit -n`".to_owned())
        }
        (Answer::Unknown | Answer::Gone { .. }, _) => Err("the shared data is gone".to_owned()),
    }
}

/// Waits for the answer. A supervisor that dies takes its workers along; who sees its end closed first goes
/// by itself, so that the call is none that came to an end.
fn ask(question: &Question) -> Result<(Answer, Vec<OwnedFd>), String> {
    let road = ROAD
        .get()
        .ok_or("there was no descriptor for this worker to ask for shared data on; raise `ulimit -n`")?;
    match control::send(road.as_fd(), b"", question, &[]) {
        Ok(()) => {}
        Err(error) if control::is_gone(&error) => process::exit_now(NO_SUPERVISOR),
        Err(error) => return Err(error.to_string()),
    }
    point("share-asked");
    match control::receive_what_fits(road.as_fd(), None) {
        Ok(Some(answer)) => Ok(answer),
        Ok(None) => process::exit_now(NO_SUPERVISOR),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether the supervisor has said that something is gone since this worker last looked.
#[inline]
pub(in crate::processes) fn are_stale(head: &Head) -> bool {
    head.shares.load(SeqCst) != SEEN.load(Relaxed)
}

/// Between two calls: lets go of what nobody names any more.
#[cold]
pub(in crate::processes) fn let_go(head: &Head) {
    // What goes after this moment moves the number once more.
    SEEN.store(head.shares.load(SeqCst), Relaxed);
    let mut mapped = mapped();
    let Some(known) = mapped.as_mut() else { return };
    let ids: Vec<u64> = known.keys().copied().collect();
    for ids in ids.chunks(AT_ONCE) {
        // Without an answer it has too much mapped, and no more.
        let Ok((Answer::Gone { ids }, _)) = ask(&Question::Which { ids: ids.to_vec() }) else { return };
        for id in ids {
            known.remove(&id);
        }
    }
}
