//! What a check runs on, and who watches it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use multicore::{Backend, Call, Config, Handle, Pool, Result};

/// Long enough never to pass in a check that works.
pub(crate) const NEVER: Duration = Duration::from_secs(60);
/// Short enough to pass while a call is held.
pub(crate) const SOON: Duration = Duration::from_millis(10);

/// A backend, a pool on it, and a folder to leave messages in.
pub(crate) struct Stage {
    pub(crate) backend: Backend,
    pub(crate) pool: Pool,
    folder: PathBuf,
}

/// Runs a check with a pool of two workers and eight slots; ends the program when it hangs.
pub(crate) fn on(backend: Backend, check: fn(&Stage)) {
    let (done, waiting) = mpsc::channel::<()>();
    let name = thread::current().name().unwrap_or("?").to_owned();
    thread::spawn(move || {
        if waiting.recv_timeout(2 * NEVER) == Err(RecvTimeoutError::Timeout) {
            eprintln!("`{name}` hangs");
            std::process::abort();
        }
    });
    check(&Stage::new(backend));
    drop(done);
}

impl Stage {
    fn new(backend: Backend) -> Stage {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("multicore-backends-{}-{number}", std::process::id()));
        fs::create_dir(&folder).expect("a folder");
        let pool = config(backend).build().expect("a pool");
        Stage { backend, pool, folder }
    }

    /// The options of its pools.
    pub(crate) fn config(&self) -> Config {
        config(self.backend)
    }

    pub(crate) fn is(&self, backend: Backend) -> bool {
        self.backend == backend
    }

    pub(crate) fn spawn<R: 'static>(&self, call: Call<'_, R>) -> Handle<R> {
        self.pool.spawn(call).expect("a handle")
    }

    /// What becomes of a call, whether it can be sent or not.
    pub(crate) fn end<R: 'static>(&self, call: Call<'_, R>) -> Result<R> {
        self.pool.spawn(call).and_then(Handle::get)
    }

    #[track_caller]
    pub(crate) fn get<R: 'static>(&self, call: Call<'_, R>) -> R {
        self.end(call).expect("a result")
    }

    /// A file that may not be there yet.
    pub(crate) fn file(&self, name: &str) -> String {
        self.folder.join(name).to_string_lossy().into_owned()
    }

    /// What the tasks noted in a file, in some order.
    pub(crate) fn notes(&self, name: &str) -> Vec<u64> {
        let text = fs::read_to_string(self.file(name)).unwrap_or_default();
        let mut lines: Vec<u64> = text.lines().map(|line| line.parse().expect("a number")).collect();
        lines.sort_unstable();
        lines
    }

    /// Lets a task go on that waits for this file.
    pub(crate) fn open(&self, gate: &str) {
        fs::write(self.file(gate), "").expect("a file");
    }

    /// Waits for a task to say that it is there.
    #[track_caller]
    pub(crate) fn wait_for(&self, name: &str) {
        let path = self.file(name);
        eventually(|| Path::new(&path).exists());
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn config(backend: Backend) -> Config {
    Pool::builder().backend(backend).workers(2).slots(8)
}

/// Waits until the condition holds, which is a matter of moments.
#[track_caller]
pub(crate) fn eventually(mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < NEVER / 2, "never came true");
        thread::sleep(Duration::from_millis(1));
    }
}
