//! What the server says of its connections.

use postgres::{Client, NoTls, Statement};

const CONNECTIONS: &str = "SELECT pid, client_port, coalesce(state, '') FROM pg_stat_activity \
     WHERE application_name = $1 AND backend_type = 'client backend' ORDER BY backend_start";

/// A connection of its own, by which a server is looked at and told things.
pub struct Admin {
    client: Client,
    /// Prepared once: some look at them all the time.
    connections: Statement,
}

/// A connection as the server sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The server's process for it.
    pub pid: i32,
    /// The client's end.
    pub client_port: i32,
    /// `idle`, `active`, `idle in transaction` and so on.
    pub state: String,
}

impl Admin {
    /// Connects to the server of this URL.
    ///
    /// # Panics
    /// When it does not answer.
    #[track_caller]
    pub fn at(url: &str) -> Admin {
        let mut client = Client::connect(url, NoTls).unwrap_or_else(|error| panic!("{url}: {error}"));
        let connections = client.prepare(CONNECTIONS).expect("the server lives");
        Admin { client, connections }
    }

    /// Runs statements.
    ///
    /// # Panics
    /// When one fails.
    #[track_caller]
    pub fn run(&mut self, statements: &str) {
        self.client.batch_execute(statements).unwrap_or_else(|error| panic!("{statements}: {error}"));
    }

    /// The one number that a query gives, as `bigint`.
    ///
    /// # Panics
    /// When it gives something else.
    #[track_caller]
    pub fn number(&mut self, query: &str) -> i64 {
        self.client
            .query_one(query, &[])
            .and_then(|row| row.try_get(0))
            .unwrap_or_else(|error| panic!("{query}: {error}"))
    }

    /// The connections of this `application_name`, oldest first.
    ///
    /// # Panics
    /// When the server is gone.
    #[track_caller]
    pub fn connections(&mut self, application: &str) -> Vec<Connection> {
        let rows = self.client.query(&self.connections, &[&application]).expect("the server lives");
        let connection =
            |row: &postgres::Row| Connection { pid: row.get(0), client_port: row.get(1), state: row.get(2) };
        rows.iter().map(connection).collect()
    }

    /// Has the server end one; whether there was such a one.
    ///
    /// # Panics
    /// When the server is gone.
    #[track_caller]
    pub fn terminate(&mut self, pid: i32) -> bool {
        self.client.query_one("SELECT pg_terminate_backend($1)", &[&pid]).expect("the server lives").get(0)
    }
}
