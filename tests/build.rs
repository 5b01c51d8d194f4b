//! Tells the UI tests whether the recorded outputs belong to this compiler.

use std::env;
use std::process::Command;

/// The release whose diagnostics `ui/fail/*.stderr` record, and CI has.
const RECORDED: &str = "rustc 1.95.";

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(ui_toolchain)");
    let rustc = env::var_os("RUSTC").expect("cargo sets RUSTC for build scripts");
    let version = Command::new(rustc).arg("--version").output().expect("RUSTC runs").stdout;
    if version.starts_with(RECORDED.as_bytes()) {
        println!("cargo::rustc-cfg=ui_toolchain");
    }
}
