//! Counts the words of every text file below folders, in bounded memory however many there are:
//! `mapreduce [--check] [FOLDER…]`, by default this workspace's own sources.
//!
//! It is done twice, one after another and by `map_reduce!`, each in a process of its own so that its memory is its
//! own; and with `--check` a third time by `tr`, `sort` and `uniq -c`. Every line has to be the same.

use std::cmp::Reverse;
use std::error::Error;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Instant;
use std::{env, fs};

use words::{Counts, Piece};

#[path = "mapreduce/words.rs"]
mod words;

/// The map task: words that are seen again in one input are counted at once. `io::Error` cannot travel, so it
/// comes back as text.
#[multicore::task(error = "text")]
fn count(pieces: Vec<Piece>) -> io::Result<Counts> {
    let mut counts = Counts::new();
    pieces.iter().try_for_each(|piece| piece.count(&mut counts))?;
    Ok(counts)
}

/// Combiner and reduce task.
#[multicore::task]
fn add(a: u64, b: u64) -> u64 {
    a + b
}

type Files = Vec<(PathBuf, u64)>;
type Anyhow<T> = Result<T, Box<dyn Error>>;

fn main() -> Anyhow<()> {
    let mut arguments: Vec<_> = env::args().skip(1).collect();
    let way = arguments.pop_if(|last| last.starts_with("--way=")).unwrap_or_default();
    let check = arguments.first().is_some_and(|first| first == "--check");
    let mut files = Files::new();
    let own = ["multicore", "multicore-macros", "examples", "tests"]
        .map(|name| Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(name));
    let named = &arguments[usize::from(check)..];
    if let Some(option) = named.iter().find(|name| name.starts_with('-')) {
        return Err(format!("`{option}` is no option: mapreduce [--check] [FOLDER…]").into());
    }
    let folders: Vec<PathBuf> = named.iter().map(PathBuf::from).collect();
    for folder in if folders.is_empty() { &own[..] } else { &folders } {
        words::files(folder, &mut files).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    match &*way {
        "--way=sequential" => sequential(&files),
        "--way=parallel" => parallel(&files),
        _ => compare(&files, &arguments, check),
    }
}

/// One after another, in one table.
fn sequential(files: &Files) -> Anyhow<()> {
    let start = Instant::now();
    let mut counts = Counts::new();
    words::inputs(files).flatten().try_for_each(|piece| piece.count(&mut counts))?;
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_unstable();
    println!("{:.2?}, peak memory {} MiB", start.elapsed(), peak() >> 10);
    print(counts.into_iter().map(Ok))
}

fn parallel(files: &Files) -> Anyhow<()> {
    let start = Instant::now();
    let counts = multicore::map_reduce!(words::inputs(files), map = count, combine = add, reduce = add)??;
    let took = start.elapsed();
    let mut workers: Vec<_> = multicore::par_ranges!(0..64, peak_of_worker, ranges = 64)?;
    workers.sort_unstable();
    workers.dedup_by_key(|(pid, _)| *pid);
    let peaks: Vec<_> = workers.iter().map(|(_, kilobytes)| kilobytes >> 10).collect();
    println!("{took:.2?}, peak memory {} MiB, workers {peaks:?} MiB", peak() >> 10);
    print(counts.map(|pair| Ok(pair?)))
}

fn print(counts: impl Iterator<Item = Anyhow<(String, u64)>>) -> Anyhow<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    for pair in counts {
        let (word, count) = pair?;
        writeln!(out, "{count} {word}")?;
    }
    Ok(out.flush()?)
}

/// The most kilobytes of memory that this process had at once.
fn peak() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix(" kB"));
    line.and_then(|kilobytes| kilobytes.trim().parse().ok()).unwrap_or(0)
}

#[multicore::task]
fn peak_of_worker(_start: usize, _end: usize) -> (u32, u64) {
    (std::process::id(), peak())
}

/// Runs the ways one by one; each has done its work when its first line is there.
fn compare(files: &Files, arguments: &[String], check: bool) -> Anyhow<()> {
    // Read once, so that the first way is not the one that has to wait for the disk.
    let bytes = files.iter().try_fold(0, |sum, (file, _)| fs::read(file).map(|bytes| sum + bytes.len()))?;
    println!("{} files, {} MB", files.len(), bytes / 1_000_000);
    let mut ways = Vec::new();
    for (name, argument) in [("one after another", "--way=sequential"), ("map_reduce!", "--way=parallel")] {
        let mut command = Command::new(env::current_exe()?);
        let mut way = Way::start(command.args(arguments).arg(argument))?;
        println!("{name}: {}", way.line()?.ok_or("no figures")?);
        ways.push(way);
    }
    if check {
        ways.push(shell(files)?);
    }
    let mut top: Vec<(u64, String)> = Vec::new();
    let (mut words, mut different) = (0, 0);
    while let Some(line) = ways[0].line()? {
        for other in &mut ways[1..] {
            assert_eq!(other.line()?.as_ref(), Some(&line), "the counts differ");
        }
        let (count, word) = line.split_once(' ').ok_or("no count")?;
        let count: u64 = count.parse()?;
        (words, different) = (words + count, different + 1);
        top.push((count, word.to_owned()));
        top.sort_by_key(|(count, _)| Reverse(*count));
        top.truncate(10);
    }
    for mut way in ways {
        assert_eq!(way.line()?, None, "the counts differ");
        assert!(way.child.wait()?.success());
    }
    top.iter().for_each(|(count, word)| println!("{count:>10} {word:.40}"));
    println!("{words:>10} words, {different} of them different; all counts are equal");
    Ok(())
}

/// What everybody would type. A newline after each file keeps its last word from the next one's first.
fn shell(files: &Files) -> Anyhow<Way> {
    let start = Instant::now();
    let line = "tr -cs A-Za-z '\\n' | grep . | sort | uniq -c | sed 's/^ *//'";
    let mut way = Way::start(Command::new("sh").args(["-c", line]).env("LC_ALL", "C").stdin(Stdio::piped()))?;
    let mut input = way.child.stdin.take().ok_or("no pipe")?;
    for (file, _) in files {
        io::copy(&mut fs::File::open(file)?, &mut input)?;
        input.write_all(b"\n")?;
    }
    drop(input);
    way.lines.fill_buf()?;
    println!("tr | sort | uniq -c: {:.2?}", start.elapsed());
    Ok(way)
}

/// A process that counts.
struct Way {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Way {
    fn start(command: &mut Command) -> Anyhow<Way> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let lines = BufReader::new(child.stdout.take().ok_or("no pipe")?);
        Ok(Way { child, lines })
    }

    fn line(&mut self) -> io::Result<Option<String>> {
        let mut line = String::new();
        let read = self.lines.read_line(&mut line)?;
        line.truncate(line.trim_end().len());
        Ok((read != 0).then_some(line))
    }
}
