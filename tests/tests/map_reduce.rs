//! `map_reduce!` and `tree_reduce`, each scene in a process of its own: what is open is the whole process's.

use multicore_tests::fixture::{Fixture, Folder, METHODS};
use multicore_tests::watch::{LONG, within};
use nix::sys::signal::Signal;

multicore_tests::map_reduce_scenes!(multicore_tests::each_alone);

mod tree {
    multicore_tests::tree_scenes!(multicore_tests::each_alone);
}

const CLIENT: &str = env!("CARGO_BIN_EXE_client");

/// All in one process, where that is asked for.
#[test]
fn it_runs_inline() {
    for scene in ["map_reduce::equal_uses_do_not_meet", "tree::a_tree_grows_on_the_default_pool"] {
        let arguments = ["exec", "scene", scene];
        within(LONG, || Fixture::new(CLIENT, &arguments).env("MULTICORE_BACKEND", "inline").run().output());
    }
}

/// Not for a moment: the files have no names.
#[test]
fn a_killed_client_leaves_no_file() {
    for method in METHODS {
        within(LONG, || {
            let folder = Folder::new();
            let path = folder.path().to_string_lossy().into_owned();
            let mut client = Fixture::new(CLIENT, &[method, "map-reduce", &path, "hold"]).start();
            assert_eq!(client.line(), "written");
            client.signal(Signal::SIGKILL);
            client.wait();
            assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "{method}");
        });
    }
}

/// On a file system of one mebibyte, which only root can make.
#[test]
fn a_full_folder_is_told() {
    let root = multicore_tests::wild::user() == 0;
    assert!(root || std::env::var_os("CI").is_none(), "needs root");
    if !root {
        return eprintln!("not shown: only root can mount a small file system");
    }
    for method in METHODS {
        let folder = Folder::new();
        let path = folder.path().to_string_lossy().into_owned();
        let line = "mount -t tmpfs -o size=1m none \"$2\" && exec \"$0\" \"$1\" map-reduce \"$2\" fill";
        let command = ["--mount", "sh", "-c", line, CLIENT, method, &path];
        let told = within(LONG, || Fixture::new("unshare", &command).run().output());
        let [error, files] = told.lines().collect::<Vec<_>>()[..] else { panic!("{told}") };
        assert!(error.starts_with("pwrite failed: No space left on device"), "{error}");
        assert!(error.contains("`folder = \"…\"` names another one"), "{error}");
        assert_eq!(files, "0 files");
    }
}

/// As an error, where the kernel would send a signal.
#[test]
fn a_limit_on_the_size_of_files_is_told() {
    for method in METHODS {
        let folder = Folder::new();
        let path = folder.path().to_string_lossy().into_owned();
        let told =
            within(LONG, || Fixture::new(CLIENT, &[method, "map-reduce", &path, "limited"]).run().output());
        let [error, files] = told.lines().collect::<Vec<_>>()[..] else { panic!("{told}") };
        assert!(error.starts_with("pwrite failed: File too large") && error.contains("ulimit -f"), "{error}");
        assert_eq!(files, "0 files");
    }
}
