//! How pools end, whatever the client is: a program among others, the system's own process 1, or one that
//! adopts what others leave.

use multicore_tests::fixture::{Fixture, Folder, METHODS, UNSHARE};
use multicore_tests::procfs::Stat;
use multicore_tests::watch::{LONG, eventually, within};
use nix::sys::signal::Signal;
use nix::unistd::Pid;

const CLIENT: &str = env!("CARGO_BIN_EXE_client");

multicore_tests::end_scenes!(multicore_tests::each_alone);

/// With the client as something else than a program among others.
macro_rules! each_as {
    ($module:ident: $($scene:ident)*) => {
        mod as_process_1 {$(
            #[test]
            #[cfg_attr(not(pid_namespaces), ignore = "`unshare --pid` is refused here")]
            fn $scene() {
                let name = concat!(stringify!($module), "::", stringify!($scene));
                multicore_tests::fixture::play_as_process_1(env!("CARGO_BIN_EXE_client"), name);
            }
        )*}

        mod as_subreaper {$(
            #[test]
            fn $scene() {
                let name = concat!(stringify!($module), "::", stringify!($scene));
                multicore_tests::fixture::play_as_subreaper(env!("CARGO_BIN_EXE_client"), name);
            }
        )*}
    };
}

multicore_tests::end_scenes!(each_as);

/// The client plays this part, under each method.
fn plays(part: &[&str], expected: &str) {
    for method in METHODS {
        let told = within(LONG, || Fixture::new(CLIENT, &[&[method], part].concat()).run().output());
        assert_eq!(told, expected, "{method}");
    }
}

#[test]
fn a_client_with_handlers_of_its_own_hears_no_signal_that_others_are_sent() {
    plays(&["handlers"], "heard\n");
}

#[test]
fn a_client_that_waits_for_every_child_does_no_harm() {
    plays(&["waits"], "waited\n");
}

/// Whether this may become another user.
fn is_root() -> bool {
    let root = multicore_tests::wild::user() == 0;
    assert!(root || std::env::var_os("CI").is_none(), "needs root");
    if !root {
        eprintln!("not shown: only root can become another user");
    }
    root
}

#[test]
fn a_client_that_changes_its_user_keeps_its_pools_or_makes_others() {
    if is_root() {
        for when in ["before", "between", "after"] {
            plays(&["user", when], "used\n");
        }
    }
}

/// A change of user clears what has the kernel end a worker with its supervisor.
#[test]
fn workers_whose_start_hook_changed_the_user_end_with_their_supervisor() {
    if !is_root() {
        return;
    }
    for method in METHODS {
        within(LONG, || {
            let folder = Folder::new();
            let path = folder.path().to_string_lossy().into_owned();
            let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o777);
            std::fs::set_permissions(folder.path(), everybody).unwrap();
            let client =
                Fixture::new(CLIENT, &[method, "hold", &path]).env("MULTICORE_TEST_HOOK_USER", "60001");
            let mut client = client.start();
            assert_eq!(client.line(), "ready");
            let workers = ["one", "three"].map(|name| folder.process(name));
            let child = folder.process("two");
            // It shall not help.
            client.signal(Signal::SIGSTOP);
            for worker in &workers {
                nix::sys::signal::kill(Pid::from_raw(worker.parent), Signal::SIGKILL).unwrap();
            }
            eventually("the workers are dead", || !workers.iter().any(Stat::lives));
            assert!(child.lives(), "it has no such promise from the kernel");
            client.signal(Signal::SIGCONT);
            eventually("the client has ended it", || !child.lives());
            client.signal(Signal::SIGKILL);
            client.wait();
        });
    }
}

#[test]
fn a_client_without_standard_descriptors_works() {
    for method in METHODS {
        let folder = Folder::new();
        let ended = within(LONG, || Fixture::new(CLIENT, &[method, "closed", &folder.file("end")]).run());
        assert_eq!(std::fs::read_to_string(folder.file("end")).unwrap(), "worked", "{method}");
        ended.output();
    }
}

#[test]
fn a_program_whose_template_was_killed_keeps_its_pools_and_makes_no_others() {
    let told = within(LONG, || Fixture::new(CLIENT, &["fork", "template"]).run().output());
    assert_eq!(told.matches("restart the program").count(), 2, "{told}");
}

/// The file that the kernel writes has nothing of the region in it.
#[test]
fn a_core_dump_is_small_however_large_the_windows_are() {
    let pattern = std::fs::read_to_string("/proc/sys/kernel/core_pattern").unwrap_or_default();
    let name = pattern.trim();
    if name.is_empty() || name.starts_with(['|', '/', '@']) {
        assert!(std::env::var_os("CI").is_none(), "needs a core_pattern of a plain name");
        return eprintln!("not shown: core dumps go elsewhere here: {name}");
    }
    for method in METHODS {
        let folder = Folder::new();
        let told = within(LONG, || Fixture::new(CLIENT, &[method, "core"]).in_folder(&folder).run().output());
        let files: Vec<_> = told.lines().collect();
        let [file] = files[..] else { panic!("one core file: {told}") };
        let numbers: Vec<u64> = file.split(' ').skip(1).map(|number| number.parse().unwrap()).collect();
        assert!(
            file.starts_with("core") && numbers.iter().all(|&bytes| bytes < 32 << 20),
            "{method}: {file}"
        );
    }
}

#[test]
#[cfg_attr(not(pid_namespaces), ignore = "`unshare --pid` is refused here")]
fn a_client_that_is_process_1_leaves_nobody_when_it_is_killed() {
    for method in METHODS {
        within(LONG, || {
            let folder = Folder::new();
            let path = folder.path().to_string_lossy().into_owned();
            let command = [&UNSHARE[1..], &[CLIENT, method, "hold", &path]].concat();
            let mut client = Fixture::new(UNSHARE[0], &command).start();
            assert_eq!(client.line(), "ready");
            let family = client.family();
            let first = family.iter().find(|process| process.parent == client.pid()).expect("process 1");
            nix::sys::signal::kill(Pid::from_raw(first.pid), Signal::SIGKILL).unwrap();
            let stderr = client.wait().stderr;
            assert!(stderr.lines().all(|line| line.starts_with("unshare: ")), "{stderr}");
        });
    }
}
