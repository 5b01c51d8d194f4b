//! Runs each example as a process of its own; each asserts its own result.

use std::env;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::pty::{OpenptyResult, Winsize, openpty};

/// Far longer than any example takes; what is still there then hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// How an example that does not say so itself can be made to run.
const WAYS: &[(&str, &str)] = &[("MULTICORE_START", "exec"), ("MULTICORE_BACKEND", "inline")];

/// What Rust says in a worker that ran out of memory, which `untrusted` means to.
const ABORTS: [&str; 2] = ["memory allocation of ", "note: run with `RUST_BACKTRACE=1`"];

/// Where cargo puts the examples: beside the folder of this test's executable.
fn path(example: &str) -> PathBuf {
    let test = env::current_exe().expect("/proc is mounted");
    let profile = test.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
    let path = profile.join("examples").join(example);
    assert!(path.exists(), "{} is not built; `cargo test -p multicore-examples` does it", path.display());
    path
}

/// Runs an example to its end and gives its output.
fn run(example: &str, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let mut child = Command::new(path(example))
        .args(arguments)
        .envs(variables.iter().copied())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the example starts");
    let start = Instant::now();
    while child.try_wait().expect("it is our child").is_none() {
        if start.elapsed() > LIMIT {
            let _ = child.kill();
            panic!("{example} {arguments:?} {variables:?} hangs");
        }
        sleep(Duration::from_millis(5));
    }
    // Comes back only when every process that holds the other end has ended.
    let Output { status, stdout, stderr } = child.wait_with_output().expect("pipes can be read");
    let (stdout, stderr) = (String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    assert!(status.success(), "{example} {arguments:?} {variables:?}: {status}\n{stdout}{stderr}");
    let complaints: Vec<_> =
        stderr.lines().filter(|line| !ABORTS.iter().any(|word| line.contains(word))).collect();
    assert!(complaints.is_empty(), "{example} complains: {complaints:?}");
    stdout.into_owned()
}

fn check(example: &str, arguments: &[&str], expected: &str) {
    let ways = WAYS.iter().map(std::slice::from_ref);
    for variables in std::iter::once(&[][..]).chain(ways) {
        let output = run(example, arguments, variables);
        assert!(output.contains(expected), "{example} {variables:?} says:\n{output}");
    }
}

#[test]
fn hello() {
    check("hello", &[], "100 users");
}

#[test]
fn render_users() {
    check("render_users", &[], "the load guard says no");
}

#[test]
fn mapreduce_of_this_workspace() {
    check("mapreduce", &[], "; all counts are equal\n");
}

/// Beside `sort` and `uniq -c`, and with what is no UTF-8, no text, empty, and one word of several pieces.
#[test]
fn mapreduce_equals_the_shell() {
    let folder = env::temp_dir().join(format!("multicore-mapreduce-{}", std::process::id()));
    std::fs::create_dir(&folder).expect("a temporary folder");
    let long = [&b"begin "[..], &b"x".repeat(5 << 20), b"\xff\xfey y\xe9y end"].concat();
    let files: [(&str, &[u8]); 5] = [
        ("long", &long),
        ("empty", b""),
        ("apart", b"end"),
        ("binary", b"end\0end"),
        ("odd", b"\nend-End_2end"),
    ];
    for (name, bytes) in files {
        std::fs::write(folder.join(name), bytes).expect("a file");
    }
    let arguments = ["--check", folder.to_str().expect("a path of letters")];
    let output = run("mapreduce", &arguments, &[]);
    std::fs::remove_dir_all(&folder).expect("our own folder");
    assert!(output.contains("         4 end\n"), "{output}");
    assert!(output.contains("         3 y\n"), "{output}");
    assert!(output.contains("        10 words, 5 of them different; all counts are equal\n"), "{output}");
}

#[test]
fn shared() {
    check("shared", &[], "3.328335e11 is the sum of all squares, 500000 values are above the mean\n");
}

#[test]
fn background() {
    check("background", &[], "6 reports, one watched through ");
}

/// A fork is a fork wherever calls run.
#[test]
fn fork_and_thread() {
    check("fork_and_thread", &[], "task `endless` ran longer than its timeout of 50ms\n");
}

#[test]
fn queues() {
    check("queues", &[], "100 jobs, 17984 primes below 200000\n");
}

/// In processes, whatever variables say: one of them dies.
#[test]
fn connections() {
    check("connections", &[], "301 users, after a call that failed and a worker that died\n");
}

/// Inline it refuses to run.
#[test]
fn untrusted() {
    for variables in [&[][..], &[("MULTICORE_START", "exec")]] {
        let output = run("untrusted", &[], variables);
        assert!(output.starts_with("24 good pictures decoded; and 6 others:\n"), "{output}");
        assert_eq!(output.lines().count(), 7, "{output}");
    }
}

/// Nothing is drawn where the output is no terminal: `run` sees no complaints.
#[test]
fn parallel_map() {
    for variables in [&[][..], &[("MULTICORE_START", "exec")]] {
        let output = run("parallel_map", &["24"], variables);
        assert!(output.starts_with("24 pages in "), "{output}");
        assert!(output.contains("\n7 pages in time, 1 not\n"), "{output}");
        assert!(output.contains("fetch` was cancelled"), "{output}");
    }
}

/// On a terminal a bar says how many of how many.
#[test]
fn parallel_map_draws_a_bar_on_a_terminal() {
    let size = Winsize { ws_row: 24, ws_col: 100, ws_xpixel: 0, ws_ypixel: 0 };
    let OpenptyResult { master, slave } = openpty(Some(&size), None).expect("a terminal");
    let mut child = Command::new(path("parallel_map"))
        .arg("24")
        .env("TERM", "xterm")
        .stdout(Stdio::null())
        .stderr(Stdio::from(slave))
        .spawn()
        .expect("the example starts");
    let mut drawn = Vec::new();
    // Ends with an error once nobody holds the other end.
    let _ = File::from(master).read_to_end(&mut drawn);
    assert!(child.wait().expect("it is our child").success());
    let drawn = String::from_utf8_lossy(&drawn);
    assert!(drawn.contains("24/24") && drawn.contains("/s"), "{drawn:?}");
}
