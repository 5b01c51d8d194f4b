//! Says where calls can run: `processes`, `threads`, or both.
//!
//! `--cfg multicore_threads` builds for a system without processes on one that has them. The same condition
//! stands in `Cargo.toml`, where dependencies cannot name what a build script says.

use std::env;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(processes, threads)");
    let target =
        |what: &str, wanted: &str| env::var(format!("CARGO_CFG_TARGET_{what}")).is_ok_and(|is| is == wanted);
    let linux = target("OS", "linux") && target("POINTER_WIDTH", "64") && target("ENDIAN", "little");
    let processes = linux && env::var_os("CARGO_CFG_MULTICORE_THREADS").is_none();
    if processes {
        println!("cargo::rustc-cfg=processes");
    }
    if !processes || env::var_os("CARGO_FEATURE_THREADS").is_some() {
        println!("cargo::rustc-cfg=threads");
    }
}
