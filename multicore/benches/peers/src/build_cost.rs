//! What `#[task]` adds to a build: crates of many functions, with tasks and without, and one with the
//! serde derives that a person would write for the same arguments.

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, Result, ensure};

use crate::figure::median;
use crate::rounds::progress;

/// The arguments that functions have in turn, each with its type.
const ARGUMENTS: [&[(&str, &str)]; 4] = [
    &[("start", "usize"), ("end", "usize")],
    &[("name", "String"), ("values", "Vec<f64>"), ("limit", "Option<u32>")],
    &[("bytes", "Vec<u8>")],
    &[("id", "u64"), ("ratio", "f32"), ("tags", "Vec<String>"), ("place", "(i32, i32)")],
];

/// What stands in a crate.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Plain,
    Tasks,
    Derives,
}

const KINDS: [(Kind, &str); 3] = [(Kind::Plain, "plain"), (Kind::Tasks, "tasks"), (Kind::Derives, "derives")];

/// Builds the crates in turn, their dependencies being there, and prints the medians.
///
/// # Errors
/// Where cargo or the compiler fails.
pub fn print(functions: u32, rounds: u32) -> Result<()> {
    let folder = tempfile::tempdir()?;
    lay_out(folder.path(), functions)?;
    let mut times: [Vec<f64>; KINDS.len()] = Default::default();
    // The first round builds what they depend on, and does not count.
    for round in 0..=rounds {
        progress(&format!("round {round} of {rounds}"));
        for ((_, name), times) in KINDS.iter().zip(&mut times) {
            let seconds = build(folder.path(), name)?;
            if round > 0 {
                times.push(seconds);
            }
        }
    }
    progress("");
    println!("cargo build of {functions} functions, seconds, median of {rounds}:");
    let medians = times.map(|times| median(times).unwrap_or_default());
    let [plain, tasks, derives] = medians;
    println!("  plain                            {plain:>6.2}");
    println!("  each a #[task]                   {tasks:>6.2}  {:+.2}", tasks - plain);
    println!("  and a struct with serde's derives {derives:>5.2}  {:+.2}", derives - plain);
    println!("  tasks beside derives: {:.2} times what they add", (tasks - plain) / (derives - plain));
    Ok(())
}

fn lay_out(folder: &Path, functions: u32) -> Result<()> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let multicore = package.join("../..").canonicalize()?;
    let members: Vec<_> = KINDS.iter().map(|(_, name)| format!("{name:?}")).collect();
    let workspace = format!("[workspace]\nresolver = \"3\"\nmembers = [{}]\n", members.join(", "));
    fs::write(folder.join("Cargo.toml"), workspace)?;
    // The same dependencies as this program has.
    fs::copy(package.join("Cargo.lock"), folder.join("Cargo.lock"))?;
    for (kind, name) in KINDS {
        fs::create_dir_all(folder.join(name).join("src"))?;
        let manifest = format!(
            "[package]\nname = {name:?}\nedition = \"2024\"\n\n[dependencies]\nmulticore = {{ path = {multicore:?} }}\n\
             serde = {{ version = \"1\", features = [\"derive\"] }}\n"
        );
        fs::write(folder.join(name).join("Cargo.toml"), manifest)?;
        fs::write(folder.join(name).join("src/main.rs"), source(kind, functions)?)?;
    }
    Ok(())
}

fn source(kind: Kind, functions: u32) -> Result<String> {
    let mut source = "#![allow(dead_code, unused_variables)]\n".to_owned();
    for (number, arguments) in (0..functions).zip(ARGUMENTS.iter().cycle()) {
        let arguments: Vec<_> = arguments.iter().map(|(name, of)| format!("{name}: {of}")).collect();
        let arguments = arguments.join(", ");
        if kind == Kind::Derives {
            let derives = "#[derive(serde::Serialize, serde::Deserialize)]";
            writeln!(source, "{derives}\nstruct Arguments{number} {{ {arguments} }}")?;
        }
        if kind == Kind::Tasks {
            writeln!(source, "#[multicore::task]")?;
        }
        writeln!(source, "fn work{number}({arguments}) -> u64 {{ {number} }}")?;
    }
    source.push_str("fn main() {}\n");
    Ok(source)
}

/// Seconds that it takes to build the package anew.
fn build(folder: &Path, package: &str) -> Result<f64> {
    let main = folder.join(package).join("src/main.rs");
    let source = fs::read(&main)?;
    fs::write(&main, source)?;
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--package", package]).current_dir(folder);
    cargo.env("CARGO_INCREMENTAL", "0").env("CARGO_TARGET_DIR", folder.join("target"));
    // What the cargo that runs this program says to its children is not for that one.
    cargo.env_remove("RUSTFLAGS").stdin(Stdio::null());
    let start = Instant::now();
    let status = cargo.status().context("cargo")?;
    ensure!(status.success(), "cargo could not build the crate of {package}: {status}");
    Ok(start.elapsed().as_secs_f64())
}
