//! Tells the UI tests whether the recorded outputs belong to this compiler, and others what the kernel
//! allows here and whether there is a server.

use std::env;
use std::fs;
use std::process::Command;

use landlock::{ABI, Access, AccessFs, CompatLevel, Compatible, Ruleset, RulesetAttr};

#[path = "postgres/src/installed.rs"]
mod installed;

/// The release whose diagnostics `ui/fail/*.stderr` record, and CI has.
const RECORDED: &str = "rustc 1.95.";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(ui_toolchain, pid_namespaces, sandboxes, postgres)");
    let rustc = env::var_os("RUSTC").expect("cargo sets RUSTC for build scripts");
    let version = Command::new(rustc).arg("--version").output().expect("RUSTC runs").stdout;
    if version.starts_with(RECORDED.as_bytes()) {
        println!("cargo::rustc-cfg=ui_toolchain");
    }
    let mut process_1 = Command::new("unshare");
    process_1.args(["--fork", "--kill-child", "--pid", "--mount-proc", "true"]);
    if process_1.output().is_ok_and(|output| output.status.success()) {
        println!("cargo::rustc-cfg=pid_namespaces");
    }
    if has_landlock() && has_seccomp() {
        println!("cargo::rustc-cfg=sandboxes");
    }
    look_for_a_server();
}

fn look_for_a_server() {
    println!("cargo::rerun-if-changed=postgres/src/installed.rs");
    println!("cargo::rerun-if-env-changed=PATH");
    for path in installed::depends_on() {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    if installed::Installed::find().is_ok() {
        println!("cargo::rustc-cfg=postgres");
    }
}

/// Whether this kernel enforces it.
fn has_landlock() -> bool {
    let rules = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    rules.handle_access(AccessFs::from_all(ABI::V1)).and_then(Ruleset::create).is_ok()
}

fn has_seccomp() -> bool {
    fs::read_to_string("/proc/self/status").is_ok_and(|status| status.contains("\nSeccomp:"))
}
