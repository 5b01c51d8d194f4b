//! A program that lives no longer than the test that started it.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::thread::{self, sleep};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Who carries this was started for the visit whose folder it names.
pub(crate) const MARK: &str = "USERS_WEB_VISIT";

/// How long a program may take to begin; and to end when it is told to, with all who belong to it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until it is so, up to the limit; whether it is.
pub(crate) fn wait_until(limit: Duration, mut is_so: impl FnMut() -> bool) -> bool {
    let start = Instant::now();
    while !is_so() {
        if start.elapsed() > limit {
            return false;
        }
        sleep(Duration::from_millis(5));
    }
    true
}

pub(crate) struct Process {
    name: &'static str,
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// What it complains of.
    stderr: PathBuf,
}

impl Process {
    /// Starts it, so that the kernel ends it with the thread that called this.
    pub(crate) fn start(name: &'static str, program: &Path, arguments: &[&str], folder: &Path) -> Process {
        let stderr = folder.join(format!("{name}.stderr"));
        let mut child = Command::new("setpriv")
            .args([OsStr::new("--pdeathsig"), OsStr::new("KILL"), OsStr::new("--"), program.as_os_str()])
            .args(arguments)
            // Whatever it writes elsewhere goes with the folder as well.
            .env("TMPDIR", folder)
            .env("HOME", folder)
            .env(MARK, folder)
            .env_remove("DATABASE_URL")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&stderr).expect("a file for complaints"))
            .spawn()
            .unwrap_or_else(|error| panic!("{name} does not start: {error}"));
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        Process { name, child, stdout, stderr }
    }

    /// Reads lines until one is the one that is looked for.
    pub(crate) fn line<T>(&mut self, find: impl Fn(&str) -> Option<T>) -> T {
        let mut line = String::new();
        while self.has_more() && self.stdout.read_line(&mut line).expect("a line of text") > 0 {
            if let Some(found) = find(&line) {
                return found;
            }
            line.clear();
        }
        panic!("{} ended, or says nothing: {}", self.name, self.complaints());
    }

    /// Waits for output, or its end; whether there is any within the limit. Programs write whole lines.
    fn has_more(&self) -> bool {
        let mut output = [PollFd::new(self.stdout.get_ref().as_fd(), PollFlags::POLLIN)];
        let limit = PollTimeout::try_from(PATIENCE).expect("some seconds");
        !self.stdout.buffer().is_empty() || poll(&mut output, limit).is_ok_and(|ready| ready > 0)
    }

    pub(crate) fn complaints(&self) -> String {
        let bytes = fs::read(&self.stderr).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Tells it to end, and waits until it has; kills it where it does not.
    pub(crate) fn end(&mut self) -> ExitStatus {
        let pid = Pid::from_raw(i32::try_from(self.child.id()).expect("process ids are small"));
        let mut status = self.child.try_wait().expect("it is our child");
        if status.is_none() {
            // Nobody has waited for it, so the number is still its own.
            let _ = kill(pid, Signal::SIGTERM);
            wait_until(PATIENCE, || {
                status = self.child.try_wait().expect("it is our child");
                status.is_some()
            });
        }
        status.unwrap_or_else(|| {
            let _ = self.child.kill();
            self.child.wait().expect("it is our child")
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let status = self.end();
        if thread::panicking() {
            eprintln!("{}: {status} (signal {:?}); {}", self.name, status.signal(), self.complaints());
        }
    }
}

/// All processes that carry the mark of this folder, or name it on their command line: a browser's own children
/// have written over what they carried.
pub(crate) fn marked(folder: &Path) -> Vec<Pid> {
    let folder = folder.as_os_str().as_encoded_bytes();
    let names_it = |file: PathBuf| {
        fs::read(file).is_ok_and(|text| text.windows(folder.len()).any(|part| part == folder))
    };
    let numbers = fs::read_dir("/proc").expect("/proc is mounted").flatten();
    numbers
        .filter_map(|entry| Some((entry.file_name().to_str()?.parse().ok()?, entry.path())))
        .filter(|(_, path)| names_it(path.join("environ")) || names_it(path.join("cmdline")))
        .map(|(number, _)| Pid::from_raw(number))
        .collect()
}

/// Waits for them to end, and ends those that do not.
pub(crate) fn end_marked(folder: &Path) {
    if !wait_until(PATIENCE, || marked(folder).is_empty()) {
        for pid in marked(folder) {
            if let Err(error) = kill(pid, Signal::SIGKILL)
                && error != Errno::ESRCH
            {
                eprintln!("process {pid} is left: {error}");
            }
        }
        wait_until(PATIENCE, || marked(folder).is_empty());
    }
}
