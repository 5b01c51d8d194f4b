//! A pool's threads: from their start hooks to their exit hooks.

use std::error::Error as _;
use std::io;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use rayon_core::{ThreadPool, ThreadPoolBuildError, ThreadPoolBuilder};

use super::around;
use super::claim::Claim;
use super::desk::{Desk, Room};
use crate::call::Call;
use crate::config::Settings;
use crate::error::{Error, Result};
use crate::hooks;
use crate::resource;

/// A pool of threads.
pub(crate) struct Threads {
    pub(crate) desk: Arc<Desk>,
    /// `None` once it is shut down.
    crew: RwLock<Option<ThreadPool>>,
    pub(crate) settings: Settings,
    /// Whether the environment chose threads, whatever the program asks of its pool.
    pub(crate) asked_for: bool,
}

impl Threads {
    /// Starts the threads, and waits until their start hooks have run.
    ///
    /// # Errors
    /// `RestartLimit` when a start hook fails; `Os` when the system has no thread to give.
    pub(crate) fn open(settings: Settings, asked_for: bool) -> Result<Threads> {
        let desk = Arc::new(Desk::new(&settings));
        let crew = crew(&desk, settings.workers).map_err(no_thread)?;
        if let Err(cause) = desk.wait_for_crew() {
            drop(crew);
            desk.wait_for_end(Instant::now().checked_add(settings.shutdown_timeout));
            return Err(Error::RestartLimit { times: 1, cause });
        }
        Ok(Threads { desk, crew: RwLock::new(Some(crew)), settings, asked_for })
    }

    /// Sends a call off where there is room for it.
    pub(crate) fn send_in<R>(&self, room: Room, call: &Call<'_, R>) -> Result<Claim<R>> {
        let (work, wanted) = self.desk.accept(room, call)?;
        if wanted && let Some(crew) = &*self.crew.read().unwrap_or_else(PoisonError::into_inner) {
            let desk = self.desk.clone();
            crew.spawn(move || desk.run(rayon_core::current_thread_index().unwrap_or_default()));
        }
        Ok(Claim { desk: self.desk.clone(), work, codec: call.codec, decode: call.decode })
    }

    /// Finishes the accepted calls and ends the threads, within [`Config::shutdown_timeout`](crate::Config);
    /// a thread that is in a call then ends after it. Does not wait in a thread of its own.
    pub(crate) fn shut_down(&self) {
        if !self.desk.is_here() {
            return;
        }
        let own = around::in_crew_of(key(&self.desk));
        let now = Instant::now();
        let until = if own { Some(now) } else { now.checked_add(self.settings.shutdown_timeout) };
        self.desk.close(until);
        // They end once they have nothing to run.
        drop(self.crew.write().unwrap_or_else(PoisonError::into_inner).take());
        self.desk.wait_for_end(until);
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        if !self.desk.is_here() {
            // The threads are the parent's, and what they wait on may be locked for ever here.
            let crew = self.crew.get_mut().unwrap_or_else(PoisonError::into_inner);
            std::mem::forget(crew.take());
        }
    }
}

/// What a thread knows its pool by.
fn key(desk: &Arc<Desk>) -> usize {
    Arc::as_ptr(desk).addr()
}

fn crew(desk: &Arc<Desk>, threads: usize) -> Result<ThreadPool, ThreadPoolBuildError> {
    let (arriving, leaving) = (desk.clone(), desk.clone());
    ThreadPoolBuilder::new()
        .num_threads(threads)
        .thread_name(|index| format!("multicore {index}"))
        .start_handler(move |index| {
            around::join(key(&arriving), arriving.resources(index));
            arriving.arrived(index, hooks::start());
        })
        .exit_handler(move |index| {
            if leaving.is_ready(index) {
                hooks::exit();
            }
            resource::close_all();
            leaving.left(index);
        })
        // The calls' own are caught before. What is left are a waker's, and whoever set that has its result.
        .panic_handler(|_| {})
        .build()
}

fn no_thread(error: ThreadPoolBuildError) -> Error {
    let source = error.source().and_then(|source| source.downcast_ref::<io::Error>());
    let source = match source.and_then(io::Error::raw_os_error) {
        Some(errno) => io::Error::from_raw_os_error(errno),
        None => io::Error::other(error),
    };
    Error::os("pthread_create", source)
}
