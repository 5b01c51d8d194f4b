//! How clients, supervisors and workers begin and end together.

use multicore_tests::fixture::{Ended, Fixture, Folder, Running};
use multicore_tests::watch::{LONG, within};
use nix::sys::signal::Signal;

const CLIENT: &str = env!("CARGO_BIN_EXE_client");
const METHODS: [&str; 2] = ["exec", "fork"];

/// The client plays this part, under each method; `ends` looks at how.
fn plays(part: &str, ends: impl Fn(Ended)) {
    for method in METHODS {
        within(LONG, || ends(Fixture::new(CLIENT, &[method, part]).run()));
    }
}

/// A client in the middle of calls, under each method, on two pools.
fn in_the_middle(act: impl Fn(&mut Running), ends: impl Fn(Ended)) {
    for method in METHODS {
        within(LONG, || {
            let folder = Folder::new();
            let path = folder.path().to_string_lossy().into_owned();
            let mut client = Fixture::new(CLIENT, &[method, "hold", &path]).start();
            assert_eq!(client.line(), "ready");
            let began: Vec<_> = ["one", "two", "three"].map(|name| folder.process(name)).into();
            let family = client.family();
            assert!(began.iter().all(|process| family.iter().any(|member| member.pid == process.pid)));
            assert!(family.len() >= 7, "client, 2 supervisors, 3 workers, a child: {family:?}");
            act(&mut client);
            // Waits until the whole family is gone.
            ends(client.wait());
        });
    }
}

/// The signal ended it, and nobody said a word.
fn ended_quietly_by(signal: i32, ended: &Ended) {
    assert_eq!(ended.signal(), Some(signal));
    assert_eq!((ended.stdout.as_str(), ended.stderr.as_str()), ("", ""));
}

#[test]
fn nobody_survives_the_kill_of_the_client_in_the_middle_of_calls() {
    in_the_middle(|client| client.signal(Signal::SIGKILL), |ended| ended_quietly_by(libc::SIGKILL, &ended));
}

#[test]
fn an_interrupt_from_the_terminal_ends_all_without_a_word() {
    in_the_middle(
        |client| client.signal_group(Signal::SIGINT),
        |ended| ended_quietly_by(libc::SIGINT, &ended),
    );
}

#[test]
fn a_request_to_end_that_reaches_everybody_ends_all_without_a_word() {
    in_the_middle(
        |client| {
            // As a service manager does.
            for process in client.family() {
                let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(process.pid), Signal::SIGTERM);
            }
        },
        |ended| ended_quietly_by(libc::SIGTERM, &ended),
    );
}

#[test]
fn an_interrupt_is_no_matter_to_calls_when_the_client_goes_on() {
    for method in METHODS {
        within(LONG, || {
            let folder = Folder::new();
            let path = folder.path().to_string_lossy().into_owned();
            let mut client = Fixture::new(CLIENT, &[method, "hold", &path]).start();
            assert_eq!(client.line(), "ready");
            let one = folder.process("one");
            for process in client.family().into_iter().filter(|process| process.pid != client.pid()) {
                // `sleep`, the task's own child, is free to end.
                if process.name != "sleep" {
                    let _ = nix::sys::signal::kill(nix::unistd::Pid::from_raw(process.pid), Signal::SIGINT);
                }
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
            assert!(one.lives());
            client.signal(Signal::SIGKILL);
            assert_eq!(client.wait().stderr, "");
        });
    }
}

#[test]
fn a_client_that_returns_from_main_leaves_nobody() {
    plays("leave", |ended| assert_eq!(ended.output(), "leaving\n"));
}

#[test]
fn a_client_that_panics_leaves_nobody() {
    plays("panic", |ended| {
        assert_eq!(ended.status.code(), Some(101));
        assert!(ended.stderr.contains("this is the end"), "{ended:?}");
    });
}

#[test]
fn a_client_that_another_thread_ends_leaves_nobody() {
    plays("exit", |ended| assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(7), "")));
}

#[test]
fn a_call_behind_the_end_of_its_pool_is_refused_and_leaves_nobody() {
    plays("late", |ended| assert_eq!(ended.output(), "Err(Closed)\n"));
}

#[test]
fn a_pool_that_opens_when_the_program_is_at_its_end_works_and_leaves_nobody() {
    plays("later", |ended| assert_eq!(ended.output(), "Ok(16)\n"));
}

#[test]
fn text_held_back_before_the_first_call_appears_once() {
    plays("print", |ended| {
        let output = ended.output();
        let mut words: Vec<_> = output.split(' ').collect();
        words.sort_unstable();
        assert_eq!(words, ["after", "before", "end", "worker"], "{output}");
    });
}

#[test]
fn every_line_that_a_worker_printed_before_its_death_is_out() {
    plays("print-and-die", |ended| assert_eq!(ended.output(), "rust\nc\nmore rust\nmore c\nclient\n"));
}

#[test]
fn workers_find_nothing_on_their_standard_input() {
    for method in METHODS {
        within(LONG, || {
            let mut client = Fixture::new(CLIENT, &[method, "input"]).start();
            client.go_on();
            assert_eq!(client.line(), "0");
            assert_eq!(client.wait().output(), "go on\n", "the client's own input is whole");
        });
    }
}

#[test]
fn a_fork_of_the_client_that_outlives_it_has_pools_of_its_own() {
    plays("outlive", |ended| assert_eq!(ended.output(), "Ok(25) Ok(36)\n"));
}

#[test]
fn a_fork_of_a_fork_has_pools_and_leaves_nothing_of_them() {
    plays("generations", |ended| assert_eq!(ended.output(), "25\n36\n[]\n"));
}

#[test]
fn every_worker_runs_its_exit_hook_when_the_pool_is_finished() {
    for method in METHODS {
        let folder = Folder::new();
        let path = folder.file("ends");
        let ended = within(LONG, || {
            Fixture::new(CLIENT, &[method, "print"]).env("MULTICORE_TEST_EXIT_HOOK", &path).run()
        });
        ended.output();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "1\n1\n", "two workers");
    }
}

#[test]
fn an_exit_hook_that_fails_says_so_and_the_others_run() {
    for (method, why, said) in
        [("exec", "no server", "failed: no server\n"), ("fork", "panics", ": an exit hook that panics\n")]
    {
        let folder = Folder::new();
        let path = folder.file("ends");
        let ended = within(LONG, || {
            let client = Fixture::new(CLIENT, &[method, "print"]).env("MULTICORE_TEST_EXIT_HOOK", &path);
            client.env("MULTICORE_TEST_EXIT_HOOK_FAILS", why).run()
        });
        let lines: Vec<_> = ended.stderr.split_inclusive('\n').collect();
        let hook = "multicore: the exit hook `multicore_tests::tasks::hooks::exit_hook_that_fails` (";
        assert!(lines.iter().all(|line| line.starts_with(hook) && line.ends_with(said)), "{ended:?}");
        assert_eq!((lines.len(), ended.status.code()), (2, Some(0)), "two workers: {ended:?}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "1\n1\n");
    }
}

#[test]
fn workers_have_the_descriptors_that_they_shall_keep_and_no_others() {
    plays("keep", |ended| assert_eq!(ended.output(), "(true, false) kept\n"));
}

/// The thread is in the supervisor too, which forks the workers all the same.
#[test]
fn a_library_that_starts_a_thread_when_it_is_loaded_is_no_hindrance() {
    within(LONG, || {
        let ended = Fixture::new(CLIENT, &["exec", "settings"]).env("EARLY_THREAD", "1").run();
        assert!(ended.stdout.starts_with("worker\n"), "{ended:?}");
        // The kernel may tell that thread of deaths.
        let dies = Fixture::new(CLIENT, &["exec", "print-and-die"]).env("EARLY_THREAD", "1").run();
        assert!(dies.output().ends_with("client\n"));
        assert_eq!((ended.status.code(), ended.stderr.as_str()), (Some(0), ""));
    });
}
