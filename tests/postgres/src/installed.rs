//! The server that is installed here. Build scripts have this file too, so it needs nothing but `std`.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where Debian has its servers, one folder for each version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// The user that a server runs as where its tests run as root, which it refuses to be.
const USER: &str = "postgres";
/// Who exists.
const USERS: &str = "/etc/passwd";

/// A server that can be started, and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Installed {
    /// The folder of its programs.
    pub(crate) programs: PathBuf,
    /// The user and the group that it is started as; `None`: as this process's own.
    pub(crate) user: Option<(u32, u32)>,
}

impl Installed {
    /// Looks where `pg_config` says, in `PATH` and in Debian's folders, newest first.
    ///
    /// # Errors
    /// What is missing.
    pub(crate) fn find() -> Result<Installed, String> {
        let programs = folders().into_iter().find(|folder| has_server(folder));
        let programs = programs.ok_or("no PostgreSQL server is installed")?;
        let user = if is_root() { Some(user().ok_or("no user `postgres` exists")?) } else { None };
        Ok(Installed { programs, user })
    }
}

/// What [`Installed::find`] depends on beside `PATH`: files and folders that exist.
#[allow(dead_code, reason = "for build scripts")]
pub(crate) fn depends_on() -> Vec<PathBuf> {
    // A package that comes or goes changes its manager's list; scanning /usr/lib for it takes long.
    let places = [USERS, DEBIAN, "/var/lib/dpkg/status"].map(PathBuf::from);
    let server = Installed::find().ok().map(|installed| installed.programs.join("postgres"));
    places.into_iter().chain(server).filter(|path| path.exists()).collect()
}

fn folders() -> Vec<PathBuf> {
    let told = Command::new("pg_config").arg("--bindir").output().ok();
    let told = told.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let path = env::var_os("PATH").unwrap_or_default();
    let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = versions.map(|version| version.path()).collect();
    versions.sort_by_key(|folder| std::cmp::Reverse(version(folder)));
    let debian = versions.into_iter().map(|version| version.join("bin"));
    told.into_iter().chain(env::split_paths(&path)).chain(debian).collect()
}

fn version(folder: &Path) -> Vec<u32> {
    let name = folder.file_name().unwrap_or_default().to_string_lossy();
    name.split('.').filter_map(|number| number.parse().ok()).collect()
}

/// Client libraries have `pg_config` and no server.
fn has_server(folder: &Path) -> bool {
    folder.is_absolute() && ["initdb", "postgres"].iter().all(|program| folder.join(program).is_file())
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}

fn user() -> Option<(u32, u32)> {
    let users = fs::read_to_string(USERS).ok()?;
    let mut fields =
        users.lines().map(|line| line.split(':')).find(|line| line.clone().next() == Some(USER))?;
    Some((fields.nth(2)?.parse().ok()?, fields.next()?.parse().ok()?))
}
