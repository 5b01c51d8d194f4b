//! A `map_reduce!` that is watched, or whose folder is full.

use multicore::map_reduce;
use nix::sys::resource::{Resource, setrlimit};

use super::start;
use crate::tasks::pairs::{add, hang_after_some, words};

/// Brings words together in files in `folder`, and prints what became of it; `hold` has it wait in the middle, `limited`
/// has files of four mebibytes at most.
///
/// # Panics
/// When there is no such part.
pub fn play(method: &str, folder: &str, what: &str) {
    if what == "limited" {
        setrlimit(Resource::RLIMIT_FSIZE, 4 << 20, 4 << 20).expect("a lower limit");
    }
    start(method);
    let inputs = || (0..).map(|n| (folder.to_owned(), n));
    let result = match what {
        "hold" => map_reduce!(inputs(), map = hang_after_some, reduce = add, memory = 2000, folder = folder),
        "fill" | "limited" => {
            map_reduce!(0..100_000, map = words, reduce = add, memory = 1 << 20, folder = folder)
        }
        other => panic!("no such part: {other}"),
    };
    match result {
        Ok(pairs) => println!("{} keys", pairs.len()),
        Err(error) => println!("{error}"),
    }
    println!("{} files", std::fs::read_dir(folder).expect("the folder").count());
}
