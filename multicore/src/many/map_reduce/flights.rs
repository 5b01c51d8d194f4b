//! Calls under way: so many at once, each with a file to itself, collected in the order of their start.

use std::collections::VecDeque;
use std::io;
use std::path::PathBuf;

use super::scratch::Scratch;
use crate::call::Call;
use crate::error::{Error, Result};
use crate::handle::Handle;
use crate::pool::{Place, Pool};
use crate::sys::process;

/// The files, and where they are made.
pub(super) struct Files {
    folder: PathBuf,
    pub(super) files: Vec<Scratch>,
    /// Those that no call writes to.
    free: Vec<usize>,
    most: usize,
}

impl Files {
    /// As many files as calls are to be under way, if so many may be open.
    pub(super) fn new(folder: PathBuf, pool: &Pool, wanted: usize) -> Files {
        let of_workers = match pool.engine.place() {
            Place::Workers(client) => client.settings.limits.files,
            _ => None,
        };
        // A worker opens them all, beside its own descriptors and the task's.
        let allowed = process::open_files().min(of_workers.unwrap_or(u64::MAX)) / 4;
        let allowed = usize::try_from(allowed).unwrap_or(usize::MAX);
        Files { folder, files: Vec::new(), free: Vec::new(), most: wanted.min(allowed).max(1) }
    }

    /// Takes it back: no call writes to it any more.
    fn give_back(&mut self, file: usize) {
        self.free.push(file);
    }

    /// A file that no call writes to; `None` when a call has to end first.
    fn take(&mut self) -> Result<Option<usize>> {
        if let Some(file) = self.free.pop() {
            return Ok(Some(file));
        }
        if self.files.len() >= self.most {
            return Ok(None);
        }
        match Scratch::create(&self.folder) {
            Ok(file) => {
                self.files.push(file);
                Ok(Some(self.files.len() - 1))
            }
            // The program's other files leave no room for more of these.
            Err(error) if is_descriptors(&error) && !self.files.is_empty() => {
                self.most = self.files.len();
                Ok(None)
            }
            Err(error) => Err(Error::os("open", error)),
        }
    }
}

fn is_descriptors(error: &io::Error) -> bool {
    matches!(error.raw_os_error(), Some(libc::EMFILE | libc::ENFILE))
}

/// One call that came back.
pub(super) struct Landed<N, A> {
    /// What was noted at its start.
    pub(super) note: N,
    pub(super) file: usize,
    pub(super) answer: A,
}

/// Calls under way. Dropped, it cancels them.
pub(super) struct Flights<'p, N, A> {
    pool: &'p Pool,
    under_way: VecDeque<(N, usize, Handle<A>)>,
    /// The name of the task that the caller knows.
    task: &'static str,
}

impl<'p, N, A: 'static> Flights<'p, N, A> {
    pub(super) fn new(pool: &'p Pool, task: &'static str) -> Self {
        Flights { pool, under_way: VecDeque::new(), task }
    }

    /// Sends calls off as long as there are files for them to write to, and `next` makes one for its file.
    pub(super) fn fill<'a>(
        &mut self,
        files: &mut Files,
        mut next: impl FnMut(&[Scratch], usize) -> Option<(N, Call<'a, A>)>,
    ) -> Result<()> {
        while let Some(file) = files.take()? {
            let Some((note, call)) = next(&files.files, file) else {
                files.give_back(file);
                break;
            };
            let mut handle = self.pool.spawn(call).map_err(|error| of_task(error, self.task))?;
            handle.abort = true;
            self.under_way.push_back((note, file, handle));
        }
        Ok(())
    }

    /// Waits for the oldest call; `None` when there is none.
    pub(super) fn land(&mut self, files: &mut Files) -> Option<Result<Landed<N, A>>> {
        let (note, file, handle) = self.under_way.pop_front()?;
        let answer = handle.get().map_err(|error| of_task(error, self.task));
        files.give_back(file);
        Some(answer.map(|answer| Landed { note, file, answer }))
    }

    /// Ends what is under way, and waits until it has ended.
    pub(super) fn settle(mut self) {
        self.under_way.iter().for_each(|(_, _, handle)| handle.cancel());
        for (_, _, handle) in self.under_way.drain(..) {
            // The error of an earlier call is the one that counts.
            let _ = handle.get();
        }
    }
}

/// The hidden task is named like the one that the user wrote.
fn of_task(error: Error, name: &str) -> Error {
    let mut error = error;
    match &mut error {
        Error::Panicked { task, .. }
        | Error::Died { task, .. }
        | Error::TimedOut { task, .. }
        | Error::Cancelled { task, .. }
        | Error::Encode { task, .. }
        | Error::Decode { task, .. }
        | Error::UnknownTask { task, .. } => name.clone_into(task),
        _ => {}
    }
    error
}
