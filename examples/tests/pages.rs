//! What stands on two pages says the same on both.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The rows below the one that begins with `header`; comment signs and links taken off.
fn table(page: &str, header: &str) -> Vec<String> {
    let text = read(page);
    let lines = text.lines().map(|line| line.trim_start_matches(['/', '!']).trim_start());
    let rows: Vec<_> = lines
        .skip_while(|line| !line.starts_with(header))
        .take_while(|line| line.starts_with('|'))
        .map(without_links)
        .collect();
    assert!(rows.len() > 2, "{page} has no table `{header}`");
    rows
}

/// [`name`] and [`name`](place) become `name`.
fn without_links(line: &str) -> String {
    let mut parts = line.split("[`");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (name, rest) = part.split_once("`]").expect("a link has an end");
        let rest = match rest.strip_prefix('(') {
            Some(link) => link.split_once(')').expect("a link has an end").1,
            None => rest,
        };
        plain += &format!("`{name}`{rest}");
    }
    plain
}

/// The words in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

#[test]
fn the_readme_shows_hello_in_25_lines() {
    let hello = read("examples/hello.rs");
    let readme = read("README.md");
    let shown = readme.split("```rust\n").nth(1).and_then(|rest| rest.split("```").next());
    assert_eq!(shown, Some(&*hello));
    assert!(hello.lines().count() <= 25);
}

#[test]
fn the_readme_lists_the_options_as_config_does() {
    let header = "| method | variable |";
    assert_eq!(table("README.md", header), table("multicore/src/config.rs", header));
}

#[test]
fn every_recipe_is_shown_by_something() {
    let rows = table("README.md", "| there | here | shown by |");
    assert!(rows.len() > 15);
    for row in &rows[2..] {
        let shown = row.trim_end_matches('|').rsplit('|').next().unwrap_or_default();
        let files: Vec<_> = quoted(shown).collect();
        assert!(!files.is_empty() && files.iter().all(|file| root().join(file).is_file()), "{row}");
    }
}

#[test]
fn every_rule_of_djangos_has_its_test() {
    let tests = read("tests/src/scenes/django/mod.rs");
    let rows = table("README.md", "| Django's rule | test |");
    assert!(rows.len() > 15);
    for row in &rows[2..] {
        let test = row.trim_end_matches(" |").rsplit("| ").next().and_then(|cell| quoted(cell).next());
        let test = test.expect("each row names a test");
        assert!(tests.split_whitespace().any(|word| word.trim_matches(',') == test), "{test}");
    }
}

#[test]
fn every_variable_that_is_read_is_listed() {
    let source = read("multicore/src/config/settle.rs") + &read("multicore/src/processes/worker/fault.rs");
    let readme = read("README.md");
    let variables: Vec<_> = source.split('"').filter(|text| is_name(text)).collect();
    assert!(variables.len() >= 7, "{variables:?}");
    for variable in variables {
        assert!(quoted(&readme).any(|word| word == variable), "{variable}");
    }
}

/// Of a variable, and no sentence about one.
fn is_name(text: &str) -> bool {
    text.starts_with("MULTICORE_") && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

#[test]
fn the_architecture_shows_the_protocol_as_its_module_does() {
    let header = "| verb | from → to |";
    assert_eq!(table("multicore/ARCHITECTURE.md", header), table("multicore/src/shm/word.rs", header));
}

#[test]
fn the_architecture_fits_in_200_lines_and_names_files_that_exist() {
    let page = read("multicore/ARCHITECTURE.md");
    assert!(page.lines().count() <= 200);
    let files: Vec<_> = quoted(&page).filter(|word| word.ends_with(".rs") || word.ends_with('/')).collect();
    assert!(files.len() > 10);
    for file in files {
        let known =
            ["multicore/src", "multicore", "."].iter().any(|folder| root().join(folder).join(file).exists());
        assert!(known, "{file}");
    }
}

#[test]
fn the_readme_lists_the_aliases() {
    let commands = table("README.md", "| command |").join("\n");
    let listed: Vec<_> = quoted(&commands).filter_map(|word| word.strip_prefix("cargo ")).collect();
    let config = read(".cargo/config.toml");
    let (_, aliases) = config.split_once("[alias]").expect("a table of aliases");
    let names = aliases.lines().filter(|line| line.starts_with(char::is_alphabetic));
    for name in names.filter_map(|line| line.split_once(" = ")).map(|(name, _)| name) {
        assert!(listed.contains(&name), "the README does not list `cargo {name}`");
    }
    for name in listed.iter().filter_map(|words| words.split(' ').next()) {
        let known = ["run", "test", "bench"].contains(&name) || aliases.contains(&format!("\n{name} = "));
        assert!(known, "`cargo {name}` is no alias");
    }
}

/// A version's first two numbers.
fn version(text: &str) -> (u32, u32) {
    let mut numbers = text.split('.').map(|number| number.parse().expect("a number"));
    (numbers.next().expect("one number"), numbers.next().expect("two numbers"))
}

/// What clippy cannot see, which knows the standard library alone: a package that wants a newer compiler.
#[test]
fn the_rust_version_is_one_that_all_packages_take() {
    let ours = env!("CARGO_PKG_RUST_VERSION");
    assert!(read("README.md").contains(&format!("and Rust {ours};")), "the README says another than {ours}");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--locked", "--offline", "--format-version", "1"]).current_dir(root());
    let told = cargo.output().expect("cargo runs");
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let told: serde_json::Value = serde_json::from_slice(&told.stdout).expect("JSON");
    let packages = told["packages"].as_array().expect("a list");
    let newer: Vec<_> = packages
        .iter()
        .filter(|package| {
            package["rust_version"].as_str().is_some_and(|wanted| version(wanted) > version(ours))
        })
        .map(|package| (&package["name"], &package["rust_version"]))
        .collect();
    assert!(packages.len() > 100 && newer.is_empty(), "{newer:?}");
}
