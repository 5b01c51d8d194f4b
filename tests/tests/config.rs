//! Options, variables, limits of the kernel, and tables of tasks that cannot be used.

use multicore::{Config, Error, Pool};
use multicore_tests::fixture::Fixture;
use multicore_tests::watch::{LONG, within};

const CLIENT: &str = env!("CARGO_BIN_EXE_client");

#[track_caller]
fn client(arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let fixture = Fixture::new(CLIENT, arguments);
    let fixture = variables.iter().fold(fixture, |fixture, (name, value)| fixture.env(name, value));
    within(LONG, || fixture.run().output())
}

#[test]
fn variables_set_what_code_does_not() {
    let check = |variables: &[(&str, &str)], expected: &str| {
        assert_eq!(client(&["exec", "settings"], variables), expected, "{variables:?}");
    };
    check(&[("MULTICORE_WORKERS", "3")], "worker\n3 4294967296 Some(Exec)\nallowed\n");
    check(
        &[("MULTICORE_WORKERS", " 1 "), ("MULTICORE_SLOTS", "")],
        "worker\n1 4294967296 Some(Exec)\nallowed\n",
    );
    let sized = [("MULTICORE_WORKERS", "1"), ("MULTICORE_PAYLOAD_LIMIT", "65536"), ("MULTICORE_SLOTS", "1")];
    check(&sized, "worker\n1 65536 Some(Exec)\nallowed\n");
    let refusing = [("MULTICORE_WORKERS", "1"), ("MULTICORE_MAX_LOAD_AVERAGE", "0.0")];
    check(&refusing, "worker\n1 4294967296 Some(Exec)\nrefused\n");
    let inline = [("MULTICORE_WORKERS", "1"), ("MULTICORE_BACKEND", "inline")];
    check(&inline, "inline\n1 18446744073709551615 None\nallowed\n");
    let explicit =
        [("MULTICORE_WORKERS", "1"), ("MULTICORE_BACKEND", "processes"), ("MULTICORE_START", "exec")];
    check(&explicit, "worker\n1 4294967296 Some(Exec)\nallowed\n");
    let forked = client(&["fork", "settings"], &[("MULTICORE_START", "fork"), ("MULTICORE_WORKERS", "1")]);
    assert_eq!(forked, "worker\n1 4294967296 Some(Fork)\nallowed\n");
}

#[test]
fn a_bad_variable_is_an_error_that_names_it() {
    let bad = [
        ("MULTICORE_WORKERS", "0"),
        ("MULTICORE_WORKERS", "many"),
        ("MULTICORE_WORKERS", "-1"),
        ("MULTICORE_WORKERS", "1025"),
        ("MULTICORE_SLOTS", "0"),
        ("MULTICORE_SLOTS", "1.5"),
        ("MULTICORE_SLOTS", "40000"),
        ("MULTICORE_PAYLOAD_LIMIT", "1"),
        ("MULTICORE_PAYLOAD_LIMIT", "4 GiB"),
        ("MULTICORE_PAYLOAD_LIMIT", "99999999999999999999"),
        ("MULTICORE_WARM_MEMORY", "-1"),
        ("MULTICORE_WARM_MEMORY", "a lot"),
        ("MULTICORE_START", "spawn"),
        ("MULTICORE_START", "Exec"),
        ("MULTICORE_PIN", "yes"),
        ("MULTICORE_BACKEND", "thread"),
        ("MULTICORE_MAX_LOAD_AVERAGE", "85"),
        ("MULTICORE_MAX_LOAD_AVERAGE", "-0.5"),
        ("MULTICORE_MAX_LOAD_AVERAGE", "NaN"),
        ("MULTICORE_MAX_LOAD_AVERAGE", "high"),
    ];
    for (name, value) in bad {
        let told = client(&["exec", "settings"], &[(name, value)]);
        let lines: Vec<_> = told.lines().collect();
        assert_eq!(lines.len(), 2, "{name}={value}: {told}");
        for line in lines {
            assert!(line.starts_with(&format!("{name}: ")), "{name}={value}: {line}");
        }
    }
    let told = client(&["exec", "settings"], &[("MULTICORE_START", "fork"), ("MULTICORE_WORKERS", "1")]);
    assert!(told.contains("initialize()"), "{told}");
}

#[test]
fn a_bad_option_is_an_error_that_names_it() {
    let check = |config: Config, name: &str| match config.build() {
        Err(Error::Config { what, .. }) => assert_eq!(what, name),
        other => panic!("{name}: {other:?}"),
    };
    check(Pool::builder().workers(0), "workers");
    check(Pool::builder().workers(1025), "workers");
    check(Pool::builder().slots(0), "slots");
    check(Pool::builder().slots(32_769), "slots");
    check(Pool::builder().payload_limit(4095), "payload_limit");
    check(Pool::builder().payload_limit(u64::MAX), "payload_limit");
    check(Pool::builder().max_load_average(85.0), "max_load_average");
    check(Pool::builder().spin(std::time::Duration::from_millis(101)), "spin");
}

#[test]
fn a_bad_limit_is_an_error_that_names_it() {
    let check = |config: Config, name: &str| match config.build() {
        Err(Error::Config { what, .. }) => assert_eq!(what, name),
        other => panic!("{name}: {other:?}"),
    };
    check(Pool::builder().max_calls(0), "max_calls");
    check(Pool::builder().data_limit(1000), "data_limit");
    check(Pool::builder().cpu_limit(std::time::Duration::ZERO), "cpu_limit");
    check(Pool::builder().file_limit(3), "file_limit");
    check(Pool::builder().file_limit(1 << 40), "file_limit");
    check(Pool::builder().niceness(20), "niceness");
    check(Pool::builder().niceness(-21), "niceness");
    check(Pool::builder().cpus([0, 5000]), "cpus");
    check(Pool::builder().env("", "x"), "env");
    check(Pool::builder().env("A=B", "x"), "env");
    check(Pool::builder().env("A", "x\0y"), "env");
    check(Pool::builder().env("A", "x".repeat(100_000)), "env");
}

#[test]
fn a_limit_that_the_kernel_refuses_is_an_error_that_names_it() {
    if multicore_tests::wild::user() != 0 {
        eprintln!("needs root: it becomes another user");
        return;
    }
    for method in ["exec", "fork"] {
        let told = client(&[method, "refused-limit"], &[]);
        assert!(told.contains("10 times in a row") && told.contains("setpriority"), "{method}: {told}");
    }
}

#[test]
fn a_data_limit_below_what_a_worker_begins_with_is_an_error() {
    let told = client(&["fork", "little-data"], &[]);
    assert!(told.contains("10 times in a row") && told.contains("mapped already"), "{told}");
    assert_eq!(client(&["exec", "little-data"], &[]), "49\n");
}

#[test]
fn faults_on_demand_befall_the_call_that_is_meant() {
    let check = |fault: &str, expected: &str| {
        for method in ["exec", "fork"] {
            let told = client(&[method, "faults"], &[("MULTICORE_FAULT", fault)]);
            assert_eq!(told, format!("{expected}\n"), "{method}: {fault}");
        }
    };
    check("", "0, 1, 4, 9, 16, 25, 1");
    check("kill:square:3", "0, 1, was ended by SIGKILL, 9, 16, 25, 1");
    check("abort:square:1", "was ended by SIGABRT, 1, 4, 9, 16, 25, 1");
    check("segfault:multicore_tests::tasks::square:2", "0, was ended by SIGSEGV, 4, 9, 16, 25, 1");
    check("stall:square:2 , slow:square:3", "0, timed out, 4, 9, 16, 25, 1");
    check("panic:tasks::nap", "0, 1, 4, 9, 16, 25, MULTICORE_FAULT asked for this panic");
    // The last one has a retry, and its fault once.
    check("kill:square:6,kill:square:5", "0, 1, 4, 9, was ended by SIGKILL, 25, 1");
}

#[test]
fn unknown_words_in_a_fault_are_an_error_that_lists_the_known_ones() {
    let check = |fault: &str, parts: &[&str]| {
        let told = client(&["exec", "faults"], &[("MULTICORE_FAULT", fault)]);
        assert!(told.starts_with("MULTICORE_FAULT: "), "{told}");
        assert!(parts.iter().all(|part| told.contains(part)), "{fault}: {told}");
    };
    check("explode:square:1", &["`explode`", "kill, abort, segfault, panic, stall, slow"]);
    check("kill", &["names no task", "`kill:render:3`"]);
    check("kill:no_such_task:1", &["`no_such_task`", "multicore_tests::"]);
    check("kill:square:0", &["`kill:square:0`", "from 1 on"]);
    check("kill:square:third", &["from 1 on"]);
    check("kill:square:1,,bang", &["`bang`"]);
    for backend in ["inline", "threads"] {
        let without = [("MULTICORE_FAULT", "kill:square:1"), ("MULTICORE_BACKEND", backend)];
        assert!(client(&["exec", "faults"], &without).contains("need worker processes"));
    }
}

#[test]
fn the_load_guard_decides_by_the_load_of_the_machine() {
    let output = within(LONG, || Fixture::new(CLIENT, &["exec", "guard"]).run());
    // The constructor's panics are documented, and said.
    assert!(output.stderr.contains("0.85"), "{output:?}");
    assert_eq!(output.stdout, "guarded\n", "{output:?}");
}

#[test]
fn everything_runs_in_one_process_where_the_variable_says_so() {
    for backend in ["inline", "threads"] {
        let told = client(&["exec", "inline"], &[("MULTICORE_BACKEND", backend)]);
        assert_eq!(told, "inline, 0 children\n", "{backend}");
    }
}

#[test]
fn a_fork_is_refused_while_there_are_threads() {
    let told = client(&["fork", "threads"], &[]);
    assert!(told.contains("2 threads") && told.contains("`multicore::initialize()`"), "{told}");
    assert!(told.ends_with("\nOk(()) 4\n"), "{told}");
}

#[test]
fn a_program_keeps_to_one_start_method() {
    let told = client(&["exec", "methods"], &[]);
    assert!(told.starts_with("Some(Exec)\nstart: ") && told.contains("Fork"), "{told}");
}

#[test]
fn windows_are_made_smaller_where_the_address_space_is_limited() {
    for method in ["exec", "fork"] {
        // Enough for the program, and far less than 64 slots of twice 4 GiB.
        let told = client(&[method, "limit", "as", "4000000000"], &[]);
        let limit: u64 = told.strip_prefix("limit ").expect(&told).trim().parse().unwrap();
        assert!((100_000..1 << 32).contains(&limit), "{told}");
    }
}

#[test]
fn windows_are_made_smaller_where_files_are_limited() {
    for method in ["exec", "fork"] {
        let told = client(&[method, "limit", "fsize", "1000000000"], &[]);
        let limit: u64 = told.strip_prefix("limit ").expect(&told).trim().parse().unwrap();
        assert!((100_000..1 << 32).contains(&limit), "{told}");
        let told = client(&[method, "limit", "fsize", "8192"], &[]);
        assert!(told.contains("ftruncate") && told.contains("ulimit -f"), "{told}");
    }
}

#[test]
fn few_descriptors_are_enough_and_too_few_are_an_error() {
    for method in ["exec", "fork"] {
        let told = client(&[method, "limit", "nofile", "64"], &[]);
        assert_eq!(told, "limit 4294967296\n");
        let told = client(&[method, "limit", "nofile", "4"], &[]);
        assert!(told.contains("ulimit -n") && told.lines().count() == 1, "{told}");
    }
}

#[test]
fn no_process_to_be_had_is_an_error() {
    if multicore_tests::wild::user() != 0 {
        eprintln!("needs root: a limit on processes counts all of a user's");
        return;
    }
    for method in ["exec", "fork"] {
        let told = client(&[method, "no-processes", "0"], &[]);
        assert!(told.contains("ulimit -u") && told.lines().count() == 1, "{method}: {told}");
        let told = client(&[method, "no-processes", "2"], &[]);
        assert!(told.contains("10 times in a row") || told == "49\n", "{method}: {told}");
    }
}

#[test]
fn a_start_hook_that_always_fails_is_given_up_on() {
    for method in ["exec", "fork"] {
        let variables = [("MULTICORE_TEST_START_HOOK", "no licence"), ("MULTICORE_WORKERS", "1")];
        let told = client(&[method, "settings"], &variables);
        let first = told.lines().next().unwrap_or_default();
        assert!(first.contains("10 times in a row") && first.contains("no licence"), "{told}");
    }
}

#[test]
fn two_tasks_of_one_name_are_refused_with_both_places() {
    let told = within(LONG, || Fixture::new(env!("CARGO_BIN_EXE_twins"), &[]).run().output());
    let lines: Vec<_> = told.lines().collect();
    assert_eq!(lines.len(), 8, "{told}");
    for pair in lines.chunks(2) {
        assert!(pair[0].contains("tests.twin"), "{told}");
        assert_eq!(pair[0].matches("twins.rs:").count(), 2, "both places: {told}");
        assert_eq!(pair[1], "true");
    }
}

#[test]
fn client_and_workers_that_know_other_tasks_do_not_work_together() {
    let told = client(&["exec", "strange"], &[]);
    assert_eq!(told.lines().count(), 2, "{told}");
    for line in told.lines() {
        assert!(line.contains("client and worker know different tasks: digest "), "{told}");
    }
}
