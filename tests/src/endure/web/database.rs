//! Where the application's data are, and who is connected to them.

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use test_postgres::{Admin, Cluster};

use crate::fixture::Folder;
use crate::procfs::Stat;

/// Both, SQLite first.
pub(super) const KINDS: [Kind; 2] = [Kind::Sqlite, Kind::Postgres];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Sqlite,
    Postgres,
}

/// A new database, which goes with its owner.
pub(super) enum Database {
    File(Folder),
    Server(Cluster),
}

/// Somebody who counts connections.
pub(super) enum Observer {
    /// In the files that workers have open.
    File(PathBuf),
    /// By asking the server.
    Server(Box<Admin>),
}

/// Each by what names it alone: process and descriptor, or the server's process and the client's port.
pub(super) type Connections = BTreeSet<(i32, i32)>;

/// By which the server knows the application.
const APPLICATION: &str = "users_web";

/// A server as it is in use: memory enough for all, and no word about each connection in its log.
const SETTINGS: [(&str, &str); 4] = [
    ("shared_buffers", "128MB"),
    ("log_min_messages", "warning"),
    ("log_connections", "off"),
    ("log_disconnections", "off"),
];

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Sqlite => "SQLite",
            Kind::Postgres => "PostgreSQL",
        })
    }
}

impl Database {
    /// An empty one; `None` where there is no server to have it.
    ///
    /// # Panics
    /// When the server that is installed does not start.
    pub(super) fn new(kind: Kind) -> Option<Database> {
        match kind {
            Kind::Sqlite => Some(Database::File(Folder::new())),
            Kind::Postgres if cfg!(postgres) => Some(Database::Server(Cluster::start_with(&SETTINGS))),
            Kind::Postgres => None,
        }
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Database::File(_) => Kind::Sqlite,
            Database::Server(_) => Kind::Postgres,
        }
    }

    /// What the application is told of it.
    pub(super) fn arguments(&self) -> [String; 2] {
        match self {
            Database::File(folder) => ["--database".to_owned(), folder.file(FILE)],
            Database::Server(cluster) => ["--database-url".to_owned(), cluster.url_of(APPLICATION)],
        }
    }

    /// Once it is filled: what the server does by itself after some minutes, so that it plans as it would then.
    pub(super) fn settle(&self) {
        if let Database::Server(cluster) = self {
            cluster.admin().run("VACUUM ANALYZE");
        }
    }

    pub(super) fn observer(&self) -> Observer {
        match self {
            Database::File(folder) => {
                let file = fs::canonicalize(folder.file(FILE)).expect("the application made it");
                Observer::File(file)
            }
            Database::Server(cluster) => Observer::Server(Box::new(cluster.admin())),
        }
    }
}

const FILE: &str = "users.sqlite";

impl Observer {
    /// The connections of this moment. All that are told were there at once.
    ///
    /// # Panics
    /// When the server is gone.
    pub(super) fn connections(&mut self, workers: &[Stat]) -> Connections {
        match self {
            Observer::File(file) => {
                let open: Vec<_> =
                    workers.iter().map(|worker| (worker, descriptors(worker.pid, file))).collect();
                // One that lives now has lived since before the first was looked at, and so with all others.
                let there = open.into_iter().filter(|(worker, _)| worker.lives());
                there.flat_map(|(_, descriptors)| descriptors).collect()
            }
            Observer::Server(admin) => {
                let connections = admin.connections(APPLICATION);
                connections.into_iter().map(|connection| (connection.pid, connection.client_port)).collect()
            }
        }
    }
}

/// Where this process has the file open.
fn descriptors(pid: i32, file: &Path) -> Vec<(i32, i32)> {
    let entries = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let open = entries.filter(|entry| fs::read_link(entry.path()).is_ok_and(|target| target == file));
    open.filter_map(|entry| Some((pid, entry.file_name().to_str()?.parse().ok()?))).collect()
}
