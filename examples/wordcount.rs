//! Counts the words of every text file below a folder: `wordcount DIR`.

use std::collections::HashMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Instant;
use std::{env, fs, io};

type Counts = HashMap<String, u64>;

/// The licence texts that every Debian machine has.
const DEFAULT: &str = "/usr/share/common-licenses";

/// `io::Error` cannot travel between processes, so it comes back as text.
#[multicore::task(error = "text")]
fn count(files: &[PathBuf]) -> io::Result<Counts> {
    let mut counts = Counts::new();
    for file in files {
        // What is not UTF-8 is no text, and has no words.
        let Ok(text) = String::from_utf8(fs::read(file)?) else { continue };
        for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
            *counts.entry(word.to_lowercase()).or_default() += 1;
        }
    }
    Ok(counts)
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = env::args_os().nth(1).map_or_else(|| PathBuf::from(DEFAULT), PathBuf::from);
    let mut files = Vec::new();
    find(&folder, &mut files)?;
    // Read once, so that neither way is the one that has to wait for the disk.
    let bytes = files.iter().try_fold(0, |sum, file| fs::read(file).map(|bytes| sum + bytes.len()))?;
    println!("{} files below {}, {bytes} bytes", files.len(), folder.display());

    let start = Instant::now();
    let sequential = count(&files)?;
    let alone = start.elapsed();

    // The first call starts the workers; what that takes is no part of the comparison.
    count::call(&[]).get()??;
    let start = Instant::now();
    let mut parallel = Counts::new();
    for counts in multicore::par_ranges!(files, count)? {
        for (word, n) in counts? {
            *parallel.entry(word).or_default() += n;
        }
    }
    let together = start.elapsed();
    assert_eq!(parallel, sequential);

    let mut top: Vec<_> = parallel.iter().collect();
    top.sort_by_key(|(word, n)| (std::cmp::Reverse(**n), *word));
    for (word, n) in top.iter().take(10) {
        println!("{n:>10} {word}");
    }
    println!("{:>10} words, {} of them different", parallel.values().sum::<u64>(), parallel.len());
    println!("one after another {alone:.1?}, par_ranges! {together:.1?}");
    Ok(())
}

/// Adds every file below `folder`; symbolic links are not followed.
fn find(folder: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            find(&entry.path(), files)?;
        } else if kind.is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}
