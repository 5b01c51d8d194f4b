//! Tells the tests whether there is a browser, and a PostgreSQL server.

use std::env;
use std::path::PathBuf;

#[path = "../../tests/postgres/src/installed.rs"]
mod installed;

/// As `PATH` finds them: Debian's packages `chromium` and `chromium-driver`; what they are started through is of
/// `util-linux`.
const BROWSER: [&str; 3] = ["chromium", "chromedriver", "setpriv"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=../../tests/postgres/src/installed.rs");
    println!("cargo::rerun-if-env-changed=PATH");
    println!("cargo::rustc-check-cfg=cfg(browser, postgres)");
    let folders: Vec<PathBuf> = env::split_paths(&env::var_os("PATH").unwrap_or_default()).collect();
    let find = |name: &&str| folders.iter().map(|folder| folder.join(name)).find(|file| file.is_file());
    let programs: Vec<PathBuf> = BROWSER.iter().filter_map(find).collect();
    if programs.len() == BROWSER.len() {
        println!("cargo::rustc-cfg=browser");
    }
    if installed::Installed::find().is_ok() {
        println!("cargo::rustc-cfg=postgres");
    }
    // Among them is the list of packages, which changes when one comes.
    for path in installed::depends_on().into_iter().chain(programs) {
        println!("cargo::rerun-if-changed={}", path.display());
    }
}
