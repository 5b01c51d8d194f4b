//! Tells the tests whether there is a PostgreSQL server.

#[path = "../tests/postgres/src/installed.rs"]
mod installed;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../tests/postgres/src/installed.rs");
    println!("cargo::rerun-if-env-changed=PATH");
    println!("cargo::rustc-check-cfg=cfg(postgres)");
    for path in installed::depends_on() {
        println!("cargo::rerun-if-changed={}", path.display());
    }
    if installed::Installed::find().is_ok() {
        println!("cargo::rustc-cfg=postgres");
    }
}
