//! The application under test, with a database of its own.

use std::env;
use std::path::{Path, PathBuf};

use crate::folder::Folder;
use crate::process::{PATIENCE, Process, end_marked, marked, wait_until};

pub(crate) struct Application {
    /// `http://127.0.0.1:PORT`
    pub(crate) address: String,
    // Ended before its folder is removed.
    process: Process,
    folder: Folder,
}

/// Where cargo puts it: beside the folder of this test's executable.
fn program() -> PathBuf {
    let test = env::current_exe().expect("/proc is mounted");
    let profile = test.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
    let path = profile.join("examples/users_web");
    assert!(path.exists(), "{} is not built; `cargo test -p users-web` does it", path.display());
    path
}

impl Application {
    /// With a new file as its database, or at this URL.
    pub(crate) fn start(url: Option<&str>) -> Application {
        let folder = Folder::new();
        let file = folder.path().join("users.sqlite");
        let file = file.to_str().expect("a path of letters");
        let own = ["--listen", "127.0.0.1:0", "--workers", "2", "--demo"];
        let database = url.map_or(["--database", file], |url| ["--database-url", url]);
        let mut process =
            Process::start("users_web", &program(), &[&own[..], &database].concat(), folder.path());
        let address = process.line(|line| Some(line.split_once("/ (")?.0.to_owned()));
        Application { address, process, folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends it as a server is ended, and sees that it leaves nobody.
    pub(crate) fn end(mut self) {
        let status = self.process.end();
        assert!(status.success(), "users_web: {status}; {}", self.process.complaints());
        let alone = wait_until(PATIENCE, || marked(self.folder.path()).is_empty());
        assert!(alone, "they outlived the server: {:?}", marked(self.folder.path()));
    }
}

impl Drop for Application {
    fn drop(&mut self) {
        self.process.end();
        end_marked(self.folder.path());
    }
}
