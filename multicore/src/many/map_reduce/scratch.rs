//! The temporary files of one `map_reduce!`: made by the client without a name, opened by workers.
//!
//! Nobody can find them in their folder, and the kernel takes them back once no process has them open: whatever
//! dies, none is left. A worker opens one as `/proc/<client>/fd/<number>`, which the kernel allows to processes
//! of the same user; what it opened is compared with what was meant, should the number be somebody else's now.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

use super::trouble::{Deed, Trouble};
use crate::sys::memfd;

/// A file of the client's.
#[derive(Debug)]
pub(super) struct Scratch {
    file: Arc<File>,
    place: Place,
    /// Where the next call may write.
    pub(super) end: u64,
}

/// Which file it is, for another process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pid: u32,
    number: i32,
    device: u64,
    inode: u64,
}

impl Scratch {
    /// A file in `folder` that has no name there.
    pub(super) fn create(folder: &Path) -> io::Result<Scratch> {
        let file = unnamed(folder).or_else(|error| match error.raw_os_error() {
            // The file system does not know how.
            Some(libc::EOPNOTSUPP | libc::EISDIR | libc::EINVAL) => unlinked(folder),
            _ => Err(error),
        })?;
        let data = file.metadata()?;
        let place = Place {
            pid: std::process::id(),
            number: file.as_raw_fd(),
            device: data.dev(),
            inode: data.ino(),
        };
        Ok(Scratch { file: Arc::new(file), place, end: 0 })
    }

    pub(super) fn place(&self) -> Place {
        self.place
    }

    pub(super) fn file(&self) -> &Arc<File> {
        &self.file
    }
}

fn unnamed(folder: &Path) -> io::Result<File> {
    let flags = libc::O_TMPFILE | libc::O_EXCL;
    OpenOptions::new().read(true).write(true).mode(0o600).custom_flags(flags).open(folder)
}

/// One that has a name for a moment.
fn unlinked(folder: &Path) -> io::Result<File> {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!(".multicore-{}-{number}", std::process::id()));
    let file = OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path)?;
    fs::remove_file(&path)?;
    Ok(file)
}

impl Place {
    /// Opens the file that is meant, and no other.
    pub(super) fn open(self) -> Result<File, Trouble> {
        let path = format!("/proc/{}/fd/{}", self.pid, self.number);
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(Trouble::os(Deed::Open))?;
        let data = file.metadata().map_err(Trouble::os(Deed::Open))?;
        if (data.dev(), data.ino()) == (self.device, self.inode) { Ok(file) } else { Err(Trouble::Replaced) }
    }
}

/// Part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Extent {
    pub(super) start: u64,
    pub(super) len: u64,
}

/// Appends to a file from a place on, in large pieces.
pub(super) struct Writer<'f> {
    file: &'f File,
    at: u64,
    /// Beyond it the kernel would send SIGXFSZ and not an error.
    limit: u64,
    buffer: Vec<u8>,
}

/// How much is written at once.
const PIECE: usize = 256 << 10;

impl<'f> Writer<'f> {
    pub(super) fn new(file: &'f File, at: u64) -> Writer<'f> {
        Writer { file, at, limit: memfd::file_size_limit().unwrap_or(u64::MAX), buffer: Vec::new() }
    }

    /// Where the next byte goes.
    pub(super) fn position(&self) -> u64 {
        self.at + self.buffer.len() as u64
    }

    pub(super) fn put(&mut self, bytes: &[u8]) -> Result<(), Trouble> {
        self.buffer.extend_from_slice(bytes);
        if self.buffer.len() >= PIECE { self.flush() } else { Ok(()) }
    }

    pub(super) fn flush(&mut self) -> Result<(), Trouble> {
        if self.position() > self.limit {
            return Err(Trouble::Os { deed: Deed::Write, errno: libc::EFBIG });
        }
        self.file.write_all_at(&self.buffer, self.at).map_err(Trouble::os(Deed::Write))?;
        self.at += self.buffer.len() as u64;
        self.buffer.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_no_name_and_can_be_opened_by_its_place() {
        let folder = std::env::temp_dir().join(format!("multicore-scratch-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        for make in [unnamed, unlinked] {
            make(&folder).unwrap();
        }
        let scratch = Scratch::create(&folder).unwrap();
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 0);
        let file = scratch.place().open().unwrap();
        let mut writer = Writer::new(&file, 3);
        writer.put(b"abc").unwrap();
        assert_eq!(writer.position(), 6);
        writer.flush().unwrap();
        let mut bytes = [0; 3];
        scratch.file().read_exact_at(&mut bytes, 3).unwrap();
        assert_eq!(&bytes, b"abc");
        fs::remove_dir(&folder).unwrap();
    }

    #[test]
    fn another_file_of_the_same_number_is_not_opened() {
        let scratch = Scratch::create(&std::env::temp_dir()).unwrap();
        let mut place = scratch.place();
        place.inode += 1;
        assert_eq!(place.open().unwrap_err(), Trouble::Replaced);
        place.number = i32::MAX;
        assert_eq!(place.open().unwrap_err(), Trouble::Os { deed: Deed::Open, errno: libc::ENOENT });
    }
}
