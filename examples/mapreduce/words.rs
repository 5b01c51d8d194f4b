//! Words and where they stand: pieces of files, and the words of a piece.
//!
//! A word is a run of ASCII letters, whatever else the bytes are: what `tr -cs A-Za-z '\n'` makes lines of.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// How often each word was seen.
pub(crate) type Counts = HashMap<String, u64>;

/// Bytes of a file. A word belongs to the piece that it begins in.
#[derive(serde::Serialize, serde::Deserialize)]
pub(crate) struct Piece {
    path: PathBuf,
    start: u64,
    end: u64,
}

/// About so many bytes are one input: a part of a large file, or several small ones.
const BYTES: u64 = 2 << 20;

/// Every text file below a folder with its length; symbolic links are not followed.
pub(crate) fn files(folder: &Path, found: &mut Vec<(PathBuf, u64)>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            files(&entry.path(), found)?;
        } else if kind.is_file() {
            let (path, len) = (entry.path(), entry.metadata()?.len());
            let mut first = vec![0; len.min(8192) as usize];
            File::open(&path)?.read_exact_at(&mut first, 0)?;
            // As `grep` tells them.
            if !first.contains(&0) {
                found.push((path, len));
            }
        }
    }
    Ok(())
}

/// All of them, cut or put together; made as they are asked for.
pub(crate) fn inputs(files: &[(PathBuf, u64)]) -> impl Iterator<Item = Vec<Piece>> {
    let mut pieces = files
        .iter()
        .flat_map(|(path, len)| {
            let starts = (0..*len).step_by(BYTES as usize);
            starts.map(|start| Piece { path: path.clone(), start, end: len.min(&(start + BYTES)).to_owned() })
        })
        .peekable();
    std::iter::from_fn(move || {
        let first = pieces.next()?;
        let mut bytes = first.end - first.start;
        let mut input = vec![first];
        while let Some(piece) = pieces.next_if(|piece| bytes + piece.end - piece.start <= BYTES) {
            bytes += piece.end - piece.start;
            input.push(piece);
        }
        Some(input)
    })
}

impl Piece {
    /// Adds its words.
    pub(crate) fn count(&self, counts: &mut Counts) -> io::Result<()> {
        let file = File::open(&self.path)?;
        let bytes = self.read(&file)?;
        for word in bytes.split(|byte| !byte.is_ascii_alphabetic()).filter(|word| !word.is_empty()) {
            let word = str::from_utf8(word).expect("ASCII");
            match counts.get_mut(word) {
                Some(count) => *count += 1,
                None => drop(counts.insert(word.to_owned(), 1)),
            }
        }
        Ok(())
    }

    /// From the first word that begins here to the end of the last one.
    fn read(&self, file: &File) -> io::Result<Vec<u8>> {
        let before = self.start.saturating_sub(1);
        let mut bytes = vec![0; (self.end - before) as usize];
        file.read_exact_at(&mut bytes, before)?;
        if self.start > 0 {
            let word = bytes.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
            bytes[..word].fill(b' ');
        }
        let mut at = self.end;
        while bytes.last().is_some_and(u8::is_ascii_alphabetic) {
            let mut more = [0; 4096];
            let read = file.read_at(&mut more, at)?;
            let word = more[..read].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
            bytes.extend(&more[..word]);
            at += word as u64;
            if word < more.len() {
                break;
            }
        }
        Ok(bytes)
    }
}
