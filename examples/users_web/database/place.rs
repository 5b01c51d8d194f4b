//! Where the database is.

use std::fs::DirBuilder;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::PathBuf;
use std::{env, fmt, fs, io};

use crate::database::connection::Connection;
use crate::database::error::{Error, told};
use crate::database::{postgres, sqlite};

/// A file, or a server.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    File(PathBuf),
    Server(Box<::postgres::Config>),
}

impl Place {
    /// The server where there is a URL, else the file, else a file in a temporary folder.
    pub(crate) fn new(file: Option<PathBuf>, url: Option<String>) -> Result<Place, String> {
        match (url, file) {
            (Some(url), _) if url.starts_with("postgres://") || url.starts_with("postgresql://") => {
                let config =
                    url.parse().map_err(|error| format!("the URL of the database: {}", told(&error)))?;
                Ok(Place::Server(Box::new(config)))
            }
            (Some(_), _) => Err("the URL of the database does not begin with postgres://".to_owned()),
            (None, Some(file)) => Ok(Place::File(file)),
            (None, None) => own_folder()
                .map(|folder| Place::File(folder.join("users.sqlite")))
                .map_err(|error| format!("no temporary folder: {error}; name a file by --database")),
        }
    }

    /// A new connection.
    pub(crate) fn connect(&self) -> Result<Connection, Error> {
        match self {
            Place::File(file) => sqlite::open(file).map(Connection::Sqlite),
            Place::Server(config) => {
                postgres::connect(config).map(|session| Connection::Postgres(Box::new(session)))
            }
        }
    }
}

/// Without a password.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File(file) => write!(f, "SQLite, {}", file.display()),
            Place::Server(config) => {
                write!(f, "PostgreSQL, {}", config.get_dbname().unwrap_or("the user's own database"))
            }
        }
    }
}

/// A folder that belongs to this user alone: in one that others write to, they could put a file of theirs.
fn own_folder() -> io::Result<PathBuf> {
    let user = nix::unistd::geteuid();
    let folder = env::temp_dir().join(format!("users_web-{user}"));
    match DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(&folder)?;
    if found.is_dir() && found.uid() == user.as_raw() && found.mode() & 0o022 == 0 {
        return Ok(folder);
    }
    Err(io::Error::other(format!("{} is somebody else's", folder.display())))
}
