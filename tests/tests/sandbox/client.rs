//! What a program meets that opens a sandboxed pool.

use multicore::{Config, Error, Pool, Sandbox};
use multicore_tests::fixture::Fixture;
use multicore_tests::tasks;
use multicore_tests::watch::{LONG, within};
use nix::sys::signal::Signal as Kill;

use crate::{CLIENT, pool};

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn a_bad_sandbox_is_an_error_that_says_so() {
    let error = |config: Config| match config.build() {
        Err(Error::Config { what, why, .. }) => format!("{what}: {why}"),
        other => panic!("{other:?}"),
    };
    let missing = error(pool(Sandbox::new().read("/nonexistent/folder")));
    assert!(missing.starts_with("sandbox: ") && missing.contains("/nonexistent/folder"), "{missing}");
    let forked = error(pool(Sandbox::new()).start(multicore::Start::Fork));
    assert!(forked.starts_with("start: "), "{forked}");
    let long = (0..2000).fold(Sandbox::new(), |sandbox, _| sandbox.read("/proc/version"));
    assert!(error(pool(long)).starts_with("sandbox: "));
}

/// Opens a sandboxed pool in a worker.
#[multicore::task]
fn nested() -> String {
    match pool(Sandbox::new()).build() {
        Err(Error::Refused { why, .. }) => why,
        other => format!("{other:?}"),
    }
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn calls_never_run_in_the_client() {
    within(LONG, || {
        let pool = pool(Sandbox::new()).build().unwrap();
        let inline = multicore::par_ranges!(0..4, tasks::ran_in, pool = &pool, inline = true);
        assert!(matches!(inline, Err(Error::Refused { .. })), "{inline:?}");
        let ran = multicore::par_ranges!(0..4, tasks::ran_in, pool = &pool).unwrap();
        assert!(!ran.contains(&(std::process::id() as i32)));
        let plain = Pool::builder().workers(1).build().unwrap();
        let why = plain.spawn(nested::call()).unwrap().get().unwrap();
        assert!(why.contains("sandboxed"), "{why}");
        // What a task calls itself runs where it is: inside.
        assert_eq!(pool.spawn(nested_calls::call()).unwrap().get().unwrap(), 9);
    });
    let told = Fixture::new(CLIENT, &["exec", "sandboxed", "inline"]).env("MULTICORE_BACKEND", "inline");
    let told = within(LONG, || told.run().output());
    assert!(told.starts_with("refused: ") && told.ends_with("\n9\n"), "{told}");
}

/// A call made by a call.
#[multicore::task]
fn nested_calls() -> u64 {
    tasks::square::call(3).get().unwrap()
}

#[track_caller]
fn plays(method: &str, part: &str) -> String {
    within(LONG, || Fixture::new(CLIENT, &[method, "sandboxed", part]).run().output())
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn a_program_that_forks_its_other_pools_execs_the_sandboxed_one() {
    assert_eq!(plays("fork", "beside-others"), "Some(Exec) 42 0\nSome(Fork) 42\n");
    assert_eq!(plays("exec", "beside-others"), "Some(Exec) 0 0\nSome(Exec) 0\n");
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn nobody_survives_the_kill_of_a_client_with_a_sandboxed_pool() {
    within(LONG, || {
        let mut client = Fixture::new(CLIENT, &["exec", "sandboxed", "hold"]).start();
        assert_eq!(client.line(), "ready");
        assert_eq!(client.family().len(), 4, "client, supervisor and two workers");
        client.signal(Kill::SIGKILL);
        // Waits until the whole family is gone.
        assert_eq!(client.wait().signal(), Some(libc::SIGKILL));
    });
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn sixty_four_descriptors_are_enough_for_eight_sandboxed_workers() {
    assert_eq!(plays("exec", "few-descriptors"), "Ok(49)\n");
}

#[test]
#[cfg_attr(not(sandboxes), ignore = "needs landlock and seccomp")]
fn what_the_kernel_lacks_is_an_error_that_names_the_way_without() {
    let check = |part: &str, words: &[&str]| {
        let told = plays("exec", part);
        assert!(words.iter().all(|word| told.contains(word)) && told.ends_with("\n9\n"), "{part}: {told}");
    };
    check("no-landlock", &["landlock_create_ruleset failed", "`Sandbox::without_landlock`"]);
    check("no-seccomp", &["seccomp failed", "`Sandbox::without_seccomp`"]);
    check("landlock-fails", &["10 times in a row", "the sandbox could not be set up: landlock"]);
    check("seccomp-fails", &["10 times in a row", "the sandbox could not be set up: seccomp"]);
}
