//! What the files of a cgroup say, in folders laid out as the kernel mounts them.

use std::fs;
use std::path::{Path, PathBuf};

use crate::sys::process::least_limit;

/// A folder that goes with the test.
struct Mounts(PathBuf);

impl Mounts {
    fn with(name: &str, files: &[(&str, &str)]) -> Mounts {
        let folder = std::env::temp_dir().join(format!("multicore-{name}-{}", std::process::id()));
        for (file, text) in files {
            let file = folder.join(file);
            fs::create_dir_all(file.parent().expect("it has a folder")).unwrap();
            fs::write(file, text).unwrap();
        }
        Mounts(folder)
    }
}

impl Drop for Mounts {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const MIB: &str = "1048576\n";
const GIB: &str = "1073741824\n";

#[test]
fn the_least_limit_above_a_group_counts() {
    let own = ("a/b/memory.max", "max\n");
    let mounts = Mounts::with("unified", &[("a/memory.max", GIB), own]);
    assert_eq!(least_limit(&mounts.0, "0::/a/b\n"), Some(1 << 30));
    let own = ("memory/a/b/memory.limit_in_bytes", MIB);
    let mounts = Mounts::with("older", &[("memory/memory.limit_in_bytes", GIB), own]);
    assert_eq!(least_limit(&mounts.0, "7:cpu:/\n4:cpuset,memory:/a/b\n0::/\n"), Some(1 << 20));
}

#[test]
fn a_container_whose_path_is_the_hosts_finds_its_own_mount() {
    let mounts = Mounts::with("container", &[("memory/memory.limit_in_bytes", MIB)]);
    assert_eq!(least_limit(&mounts.0, "4:memory:/docker/0123abcd\n"), Some(1 << 20));
}

#[test]
fn without_a_limit_there_is_none() {
    let mounts = Mounts::with("boundless", &[("memory.max", "max\n")]);
    for groups in ["0::/\n", "0::/gone\n", "7:cpu:/\n", "nonsense\n", ""] {
        assert_eq!(least_limit(&mounts.0, groups), None, "{groups}");
    }
    assert_eq!(least_limit(Path::new("/nowhere"), "0::/\n4:memory:/\n"), None);
}
