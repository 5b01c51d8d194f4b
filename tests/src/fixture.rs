//! Programs of their own, watched from outside.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::procfs::{self, Stat};
use crate::watch::{LONG, eventually, within};

/// The variable that all processes of one fixture carry.
pub const FAMILY: &str = "MULTICORE_TEST_FAMILY";

/// Marks the workers of a pool that inherit no environment, if this process is a fixture itself.
pub fn in_family(config: multicore::Config) -> multicore::Config {
    match std::env::var(FAMILY) {
        Ok(marker) => config.env(FAMILY, marker),
        Err(_) => config,
    }
}

/// Numbers that no other test of this run has.
fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    // A fixture that is process 1 has its number in common with others.
    let family = std::env::var(FAMILY).map_or_else(|_| String::new(), |family| format!("{family}-"));
    format!("{family}{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A folder that goes with its owner.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// An empty one.
    ///
    /// # Panics
    /// When it cannot be made.
    #[allow(clippy::new_without_default, reason = "it makes a folder")]
    pub fn new() -> Folder {
        let path = std::env::temp_dir().join(format!("multicore-tests-{}", unique()));
        std::fs::create_dir(&path).expect("a temporary folder");
        Folder(path)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A file in it, which may not be there yet.
    pub fn file(&self, name: &str) -> String {
        self.0.join(name).to_string_lossy().into_owned()
    }

    /// Waits for a task to write a process's number into the file, and forgets it.
    ///
    /// # Panics
    /// When it never does.
    #[track_caller]
    pub fn process(&self, name: &str) -> Stat {
        let path = self.file(name);
        eventually("the task began", || Path::new(&path).exists());
        let pid = std::fs::read_to_string(&path).unwrap().parse().unwrap();
        std::fs::remove_file(&path).unwrap();
        procfs::stat(pid).expect("the process that was announced")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A fixture program to be started.
pub struct Fixture {
    command: Command,
    marker: String,
}

/// What a fixture program left.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// All that it and its workers printed.
    pub stdout: String,
    /// All that it and its workers complained.
    pub stderr: String,
}

/// A fixture program that runs.
pub struct Running {
    child: Child,
    marker: String,
    /// What it prints.
    pub stdout: BufReader<std::process::ChildStdout>,
}

impl Fixture {
    /// The program with its arguments; it inherits no `MULTICORE_` variable.
    pub fn new(program: &str, arguments: &[&str]) -> Fixture {
        let marker = unique();
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("MULTICORE_") {
                command.env_remove(name);
            }
        }
        command.args(arguments).env(FAMILY, &marker).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Fixture { command, marker: format!("{FAMILY}={marker}") }
    }

    /// Sets a variable.
    pub fn env(mut self, name: &str, value: &str) -> Fixture {
        self.command.env(name, value);
        self
    }

    /// Starts it in this folder.
    pub fn in_folder(mut self, folder: &Folder) -> Fixture {
        self.command.current_dir(folder.path());
        self
    }

    /// Starts it.
    ///
    /// # Panics
    /// When that fails.
    pub fn start(mut self) -> Running {
        let mut child = self.command.spawn().expect("the fixture program");
        let stdout = BufReader::new(child.stdout.take().expect("it was piped"));
        Running { child, marker: self.marker, stdout }
    }

    /// Runs it to its end, and checks that it leaves no process.
    ///
    /// # Panics
    /// When it does.
    #[track_caller]
    pub fn run(self) -> Ended {
        self.start().wait()
    }
}

impl Running {
    /// Reads its next line.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).expect("its output");
        assert!(line.ends_with('\n'), "the fixture ended too early: {line:?}, {}", self.complaints());
        line.trim_end().to_owned()
    }

    /// Whether there is something to read, or never will be again.
    pub fn has_said_something(&self) -> bool {
        let mut output = [PollFd::new(self.stdout.get_ref().as_fd(), PollFlags::POLLIN)];
        !self.stdout.buffer().is_empty() || poll(&mut output, PollTimeout::ZERO) == Ok(1)
    }

    fn complaints(&mut self) -> String {
        let _ = self.child.kill();
        let mut text = String::new();
        if let Some(stderr) = &mut self.child.stderr {
            let _ = stderr.read_to_string(&mut text);
        }
        text
    }

    /// Lets it go on.
    ///
    /// # Panics
    /// When it is gone.
    pub fn go_on(&mut self) {
        self.stdin().write_all(b"go on\n").expect("its input");
    }

    fn stdin(&mut self) -> &mut ChildStdin {
        self.child.stdin.as_mut().expect("it was piped")
    }

    /// Its number.
    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// Sends a signal to it alone.
    ///
    /// # Panics
    /// When that fails.
    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        nix::sys::signal::kill(nix::unistd::Pid::from_raw(self.pid()), signal).expect("it lives");
    }

    /// Sends a signal to its group, as a terminal does.
    ///
    /// # Panics
    /// When that fails.
    pub fn signal_group(&self, signal: nix::sys::signal::Signal) {
        nix::sys::signal::killpg(nix::unistd::Pid::from_raw(self.pid()), signal).expect("it lives");
    }

    /// All processes that come from it, itself included.
    pub fn family(&self) -> Vec<Stat> {
        procfs::family(&self.marker)
    }

    /// Waits for its end and the end of its output, and then checks that nobody is left.
    ///
    /// # Panics
    /// When somebody is.
    #[track_caller]
    pub fn wait(mut self) -> Ended {
        drop(self.child.stdin.take());
        let mut stderr = self.child.stderr.take().expect("it was piped");
        let complaints = std::thread::spawn(move || {
            let mut text = Vec::new();
            stderr.read_to_end(&mut text).map(|_| text)
        });
        let mut stdout = Vec::new();
        self.stdout.read_to_end(&mut stdout).expect("its output");
        let stderr = complaints.join().expect("no panic").expect("its complaints");
        let status = self.child.wait().expect("its end");
        let mut left = Vec::new();
        eventually("no process of the fixture is left", || {
            left = procfs::family(&self.marker);
            left.is_empty()
        });
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        Ended { status, stdout: text(stdout), stderr: text(stderr) }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for left in procfs::family(&self.marker) {
            let _ = nix::sys::signal::kill(
                nix::unistd::Pid::from_raw(left.pid),
                nix::sys::signal::Signal::SIGKILL,
            );
        }
    }
}

impl Ended {
    /// Checks that it ended well and complained about nothing; what it printed.
    ///
    /// # Panics
    /// When it did not.
    #[track_caller]
    pub fn output(self) -> String {
        assert!(self.status.success(), "{self:?}");
        assert_eq!(self.stderr, "", "{self:?}");
        self.stdout
    }

    /// The signal that ended it.
    pub fn signal(&self) -> Option<i32> {
        self.status.signal()
    }
}

/// Runs a scene in the fixture program `client`.
///
/// # Panics
/// When the scene does.
#[track_caller]
pub fn play(client: &str, method: &str, scene: &str) {
    run_scene(&[client, method, "scene", scene]);
}

/// Runs a scene, by each method, in a client that has one thread, as a fork asks for; and nobody says a word.
///
/// # Panics
/// When the scene does, or complains.
#[track_caller]
pub fn play_with_one_thread(client: &str, scene: &str) {
    for method in METHODS {
        within(LONG + 10, || {
            let ended = Fixture::new(client, &[method, "scene-of-one-thread", scene]).run();
            assert!(
                ended.status.success() && ended.stderr.is_empty(),
                "{method} {scene}: {}\n{}{}",
                ended.status,
                ended.stdout,
                ended.stderr
            );
        });
    }
}

/// Runs a scene, by each method, in a client that adopts what its descendants leave.
///
/// # Panics
/// When the scene does.
#[track_caller]
pub fn play_as_subreaper(client: &str, scene: &str) {
    for method in METHODS {
        run_scene(&[client, method, "scene-as-subreaper", scene]);
    }
}

/// Runs a scene, by each method, in a client that is process 1 of a system of its own. Only root may.
///
/// # Panics
/// When the scene does.
#[track_caller]
pub fn play_as_process_1(client: &str, scene: &str) {
    for method in METHODS {
        run_scene(&[&UNSHARE[..], &[client, method, "scene", scene]].concat());
    }
}

/// Both start methods.
pub const METHODS: [&str; 2] = ["exec", "fork"];

/// What makes a program process 1; `build.rs` has tried it.
pub const UNSHARE: [&str; 5] = ["unshare", "--fork", "--kill-child", "--pid", "--mount-proc"];

#[track_caller]
fn run_scene(command: &[&str]) {
    within(LONG + 10, || {
        let ended = Fixture::new(command[0], &command[1..]).run();
        assert!(ended.status.success(), "{command:?}:\n{}{}", ended.stdout, ended.stderr);
    });
}
