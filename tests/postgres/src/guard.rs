//! The process between a test and its server.
//!
//! A test that is killed removes no folder, a `static` is never dropped, and a parent-death signal comes when
//! the *thread* ends that started the child, as a test's does. So there is a shell in between, and all that the
//! test has of it is a pipe: whatever becomes of the test, the pipe ends, and the shell stops the server and
//! removes the folder. It runs as the server's user and outside of the test's group.

use std::fmt;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::installed::Installed;

const SCRIPT: &str = include_str!("guard.sh");

pub(crate) struct Guard {
    child: Child,
    words: Option<ChildStdin>,
    answers: BufReader<ChildStdout>,
    folder: PathBuf,
    /// A fork of this process has a copy of this, and no right to the server.
    owner: u32,
}

impl Guard {
    /// Starts one with an empty folder of its own.
    ///
    /// # Panics
    /// When the system refuses.
    pub(crate) fn new(installed: &Installed, settings: &[(&str, &str)]) -> Guard {
        let folder = make_folder(installed);
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "guard.sh"]).arg(&folder).arg(&installed.programs);
        command.args(settings.iter().flat_map(|(name, value)| ["-c".into(), format!("{name}={value}")]));
        // What tells a client where its server is would be heeded by the server.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("PG")) {
            command.env_remove(name);
        }
        if let Some((user, group)) = installed.user {
            command.uid(user).gid(group);
        }
        command.current_dir("/").process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().expect("a shell");
        let (words, answers) = (child.stdin.take(), child.stdout.take().expect("it was piped"));
        Guard { child, words, answers: BufReader::new(answers), folder, owner: std::process::id() }
    }

    /// Has it do something, and gives its answer: a program's exit code, or a process's number.
    ///
    /// # Panics
    /// When it is gone.
    pub(crate) fn ask(&mut self, what: fmt::Arguments<'_>) -> i32 {
        let mut answer = String::new();
        writeln!(self.words.as_mut().expect("its input"), "{what}").expect("the guard lives");
        self.answers.read_line(&mut answer).expect("its answer");
        answer.trim().parse().unwrap_or_else(|_| panic!("the guard of the server is gone: {answer:?}"))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The number of its own process.
    pub(crate) fn pid(&self) -> i32 {
        self.child.id() as i32
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if self.owner == std::process::id() {
            // A fork may have the pipe open still.
            let _ = writeln!(self.words.as_mut().expect("its input"), "end");
            self.words = None;
            let _ = self.child.wait();
        }
    }
}

/// Numbers that no other cluster has now; one that was killed together with its guard may have left its own.
fn make_folder(installed: &Installed) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("multicore-postgres-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        match fs::create_dir(&folder) {
            Ok(()) => {
                if let Some((user, group)) = installed.user {
                    std::os::unix::fs::chown(&folder, Some(user), Some(group)).expect("root may do that");
                }
                return folder;
            }
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => panic!("{}: {error}", folder.display()),
        }
    }
}
