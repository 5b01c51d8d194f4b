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
