//! How it begins: options, databases, ports.

use std::os::unix::fs::MetadataExt;
use std::process::{Command, Output, Stdio};
use std::{fs, thread};

use crate::server::{Folder, Server, program};

fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let folder = Folder::new();
    let Output { status, stdout, stderr } = program(&folder, arguments).output().expect("it runs");
    (status.code(), String::from_utf8_lossy(&[stdout, stderr].concat()).into_owned())
}

#[test]
fn wrong_options_are_told_so() {
    for (arguments, told) in [
        (&["--lisen", "1"][..], "there is no option --lisen"),
        (&["--listen"], "--listen needs a value"),
        (&["--listen", "here"], "--listen here: this is not an address"),
        (&["--workers", "0"], "--workers 0: this is not a number from 1 to 1024"),
        (&["--limit=0"], "--limit 0: this is not a number from 1 to"),
        (&["--max-load-average", "85"], "--max-load-average 85: this is not a number from 0 to 10"),
        (&["--max-load-average", "NaN"], "this is not a number from 0 to 10"),
        (&["--database-url", "mysql://localhost"], "does not begin with postgres://"),
        (&["--database-url", "postgres://localhost:port/x"], "the URL of the database"),
    ] {
        let (code, output) = refused(arguments);
        assert_eq!(code, Some(2), "{arguments:?}: {output}");
        assert!(output.contains(told) && output.contains("--help"), "{arguments:?}: {output}");
    }
    let (code, output) = refused(&["--help"]);
    assert!(code == Some(0) && output.contains("--max-load-average SHARE"), "{output}");
}

#[test]
fn a_database_that_cannot_be_had_is_told_so() {
    let folder = Folder::new();
    for (option, value, told) in [
        ("--database", "/nowhere/users.sqlite", "unable to open database file"),
        ("--database", folder.0.to_str().expect("text"), "unable to open database file"),
        // Nobody listens there.
        ("--database-url", "postgres://nobody@127.0.0.1:1/users", "PostgreSQL"),
    ] {
        let (code, output) = refused(&[option, value]);
        assert_eq!(code, Some(1), "{output}");
        assert!(output.contains(told), "{output}");
    }
}

#[test]
fn a_port_that_is_taken_is_told_so() {
    let server = Server::start(&[]);
    let (code, output) = refused(&["--listen", &server.address]);
    assert_eq!(code, Some(1));
    assert!(output.contains(&server.address) && output.contains("in use"), "{output}");
}

/// One fills the database, and the others find it filled.
#[test]
fn servers_that_begin_at_once_share_a_database_and_so_does_a_later_one() {
    let folder = Folder::new();
    let users = |server: Server| {
        let page = server.get("/?page=7").check(200, "Page 7 of 25");
        page.between("id=\"users\"", "</table>").to_owned()
    };
    let start = || users(Server::run(&mut program(&folder, &[])));
    let at_once: Vec<_> = thread::scope(|scope| {
        let servers = [(); 3].map(|()| scope.spawn(start));
        servers.into_iter().map(|server| server.join().expect("a page")).collect()
    });
    let later = start();
    assert!(at_once.iter().all(|users| *users == later));
}

#[test]
fn without_a_database_it_makes_one_where_nobody_else_writes() {
    let folder = Folder::new();
    let start = || {
        let mut bare = Command::new(program(&folder, &[]).get_program());
        bare.args(["--listen", "127.0.0.1:0"]).env("TMPDIR", &folder.0).env_remove("DATABASE_URL");
        Server::run(bare.stdin(Stdio::null()).stdout(Stdio::piped()))
    };
    start().get("/").check(200, "data-how=\"parallel\"");
    let own = fs::read_dir(&folder.0).expect("a folder").next().expect("one").expect("it is there").path();
    assert_eq!(fs::metadata(&own).expect("it is there").mode() & 0o777, 0o700);
    assert!(own.join("users.sqlite").is_file());
    start().get("/").check(200, "data-how=\"parallel\"");
}
