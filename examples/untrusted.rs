//! Decodes pictures that nobody trusts, in sandboxed workers: some of them are made to do harm.

#[path = "untrusted/legacy.rs"]
mod legacy;

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fs, io};

use image::{ImageReader, RgbImage};
use multicore::{Error, Exit, Handle, Pool, Sandbox, TextError};

const SIGABRT: i32 = 6;
const SIGSEGV: i32 = 11;

/// The sum of a picture's bytes. Errors come back as text; how a worker ended is an error of its own.
#[multicore::task(error = "text")]
fn decode(path: &str) -> Result<u64, Box<dyn std::error::Error>> {
    multicore::breadcrumb(path.rsplit('/').next().unwrap_or(path));
    if path.ends_with(".old") {
        return Ok(legacy::decode(&fs::read(path)?)?);
    }
    let mut reader = ImageReader::open(path)?.with_guessed_format()?;
    // The crate has limits of its own. Not every decoder has, so this one shall have none.
    reader.no_limits();
    Ok(sum(reader.decode()?.to_rgb8().as_raw()))
}

fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().map(|byte| u64::from(*byte)).sum()
}

type Outcome = multicore::Result<Result<u64, TextError>>;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let folder = Folder::new()?;
    let mut pictures = good_pictures(&folder.0)?;
    let good = pictures.len();
    for (n, hostile) in hostile_pictures(&folder.0)?.into_iter().enumerate() {
        pictures.insert(4 * n + 1, hostile);
    }
    let pool = Pool::builder()
        .workers(2)
        .sandbox(Sandbox::new().read(&folder.0)) // reads these files, and does nothing else to the system
        .data_limit(512 << 20) // a picture that needs more memory ends its own worker
        .timeout(Duration::from_secs(2)) // and so does one that takes longer
        .build()?;

    let send = |(path, _): &(PathBuf, Expected)| pool.spawn(decode::call(&path.to_string_lossy()));
    let handles: Vec<_> = pictures.iter().map(send).collect::<Result<_, _>>()?;
    let outcomes: Vec<Outcome> = handles.into_iter().map(Handle::get).collect();

    println!("{good} good pictures decoded; and {} others:", pictures.len() - good);
    for ((path, expected), outcome) in pictures.iter().zip(&outcomes) {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        assert!(expected.agrees(outcome, &name), "{name}: {outcome:?}");
        if !matches!(expected, Expected::Sum(_)) {
            println!("  {name:<12} {}", told(outcome));
        }
    }
    Ok(())
}

fn told(outcome: &Outcome) -> String {
    match outcome {
        Ok(Ok(sum)) => format!("decoded, {sum}"),
        Ok(Err(error)) => format!("refused: {error}"),
        Err(error) => error.to_string(),
    }
}

/// What becomes of a picture.
enum Expected {
    Sum(u64),
    /// The decoder's own error.
    Refused,
    /// The sandbox's.
    Denied,
    /// Its worker dies of this signal.
    Signal(i32),
    StackOverflow,
    TimedOut,
}

impl Expected {
    fn agrees(&self, outcome: &Outcome, name: &str) -> bool {
        match (self, outcome) {
            (Expected::Sum(sum), Ok(Ok(found))) => found == sum,
            (Expected::Refused, Ok(Err(_))) => true,
            (Expected::Denied, Ok(Err(error))) => error.to_string().contains("Permission denied"),
            (Expected::Signal(number), Err(Error::Died { exit: Exit::Signal(signal), breadcrumb, .. })) => {
                signal.0 == *number && breadcrumb.as_deref() == Some(name)
            }
            (Expected::StackOverflow, Err(Error::Died { exit: Exit::StackOverflow, .. })) => true,
            (Expected::TimedOut, Err(Error::TimedOut { breadcrumb, .. })) => {
                breadcrumb.as_deref() == Some(name)
            }
            _ => false,
        }
    }
}

/// Pictures as a camera makes them, and the sum of their bytes.
fn good_pictures(folder: &Path) -> image::ImageResult<Vec<(PathBuf, Expected)>> {
    let make = |n: u32| {
        let picture = RgbImage::from_fn(64 + n, 48, |x, y| image::Rgb([x as u8, y as u8, n as u8]));
        let path = folder.join(format!("photo{n}.png"));
        picture.save(&path)?;
        Ok((path, Expected::Sum(sum(picture.as_raw()))))
    };
    (0..24).map(make).collect()
}

fn hostile_pictures(folder: &Path) -> io::Result<Vec<(PathBuf, Expected)>> {
    let old = |body: &[u8]| [b"OLD1", body].concat();
    let whole = fs::read(folder.join("photo0.png"))?;
    let pictures = [
        // An allocation beyond the limit fails, and Rust aborts then.
        ("bomb.gif", bomb(), Expected::Signal(SIGABRT)),
        ("nested.old", old(&vec![b'('; 1 << 20]), Expected::StackOverflow),
        ("endless.old", old(&[b'r', 1, 0]), Expected::TimedOut),
        ("wild.old", old(&[b'p', 0, 0, 0, 0, 0, 1, 0, 0]), Expected::Signal(SIGSEGV)),
        ("curious.old", old(b"i/etc/passwd"), Expected::Denied),
        ("cut.png", whole[..whole.len() / 2].to_vec(), Expected::Refused),
    ];
    let save = |(name, bytes, expected): (&str, Vec<u8>, Expected)| {
        let path = folder.join(name);
        fs::write(&path, bytes).map(|()| (path, expected))
    };
    pictures.into_iter().map(save).collect()
}

/// Forty bytes that ask for sixteen gigabytes: a picture of 65535 by 65535 pixels.
fn bomb() -> Vec<u8> {
    let screen = [0xff, 0xff, 0xff, 0xff, 0x80, 0, 0];
    let (colours, frame) = ([0, 0, 0, 0xff, 0xff, 0xff], [0x2c, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0]);
    let pixels = [2, 2, 0x4c, 1, 0, 0x3b];
    [&b"GIF89a"[..], &screen, &colours, &frame, &pixels].concat()
}

/// A folder of this run's own, which goes with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Folder> {
        let path = env::temp_dir().join(format!("multicore-untrusted-{}", std::process::id()));
        fs::create_dir_all(&path).map(|()| Folder(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
