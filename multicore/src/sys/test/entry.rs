use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};

use crate::sys::{entry, socket};

const SECRET: &str = "0123456789abcdefABCDEF";

/// Starts this test binary again with the marker; if `main` runs, it lists the tests.
fn start(value: &str, stdin: impl Into<Stdio>) -> Output {
    let mut command = Command::new("/proc/self/exe");
    command.env(entry::MARKER.to_str().unwrap(), value).arg("--list").stdin(stdin);
    command.arg0("multicore-test").output().unwrap()
}

fn with_message(message: &[u8]) -> OwnedFd {
    let (ours, theirs) = socket::pair().unwrap();
    socket::send(ours.as_fd(), message, &[]).unwrap();
    theirs
}

fn ran_main(output: &Output) -> bool {
    String::from_utf8_lossy(&output.stdout).contains("sys::test::entry")
}

#[test]
fn the_test_binary_can_exec_itself() {
    assert!(entry::can_exec_self());
}

#[test]
fn an_authentic_child_never_reaches_main() {
    let value = entry::marker_value(SECRET);
    let output = start(&value, with_message(format!("{value} and more").as_bytes()));
    assert!(!ran_main(&output), "{output:?}");
}

#[test]
fn a_child_whose_client_died_never_reaches_main() {
    let (_, theirs) = socket::pair().unwrap();
    let output = start(&entry::marker_value(SECRET), theirs);
    assert!(!ran_main(&output), "{output:?}");
    assert_eq!(output.status.code(), Some(70));
}

#[test]
fn a_marker_alone_changes_nothing() {
    let value = entry::marker_value(SECRET);
    assert!(ran_main(&start(&value, Stdio::null())));
    assert!(ran_main(&start(&value, with_message(b"something else"))));
    assert!(ran_main(&start(&value, with_message(&value.as_bytes()[..value.len() - 1]))));
    for value in
        ["", "0123456789abcdefABCDEF", "99.0.0:0123456789abcdefABCDEF", &entry::marker_value(SECRET)[..7]]
    {
        assert!(ran_main(&start(value, with_message(value.as_bytes().get(..9).unwrap_or(b"x")))), "{value}");
    }
}
