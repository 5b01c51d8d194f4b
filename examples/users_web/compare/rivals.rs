//! The two usual ways to make the list, in the server's own process.

use std::ops::Range;
use std::sync::OnceLock;
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;
use std::{io, thread};

use r2d2::ManageConnection;
use tokio::sync::oneshot;

use crate::database::connection::Connection;
use crate::database::error::Error;
use crate::database::place::Place;
use crate::list::rows::rows;
use crate::trouble::Trouble;

/// Both, made when they are first asked for: a server that nobody compares has no connections of its own.
pub(crate) struct Rivals {
    place: Place,
    /// As many connections as the pool of processes has.
    connections: u32,
    one_thread: OnceLock<Sender<Job>>,
    thread_pool: OnceLock<r2d2::Pool<Manager>>,
}

/// What to make, and where to send it.
type Job = (Range<usize>, oneshot::Sender<Result<String, Error>>);

impl Rivals {
    pub(crate) fn new(place: &Place, connections: usize) -> Rivals {
        let connections = u32::try_from(connections).unwrap_or(u32::MAX);
        Rivals {
            place: place.clone(),
            connections,
            one_thread: OnceLock::new(),
            thread_pool: OnceLock::new(),
        }
    }

    /// A connection for each request, on one thread: as a script behind a simple server does it.
    pub(crate) async fn one_thread(&self, places: Range<usize>) -> Result<String, Trouble> {
        let (answer, answered) = oneshot::channel();
        let thread = self.one_thread.get_or_init(|| begin(self.place.clone()));
        thread.send((places, answer)).map_err(Trouble::ours)?;
        answered.await.map_err(Trouble::ours)?.map_err(failed)
    }

    /// Tokio's threads that may be blocked, and a pool of connections. Blocks.
    pub(crate) fn thread_pool(&self, places: Range<usize>) -> Result<String, Trouble> {
        let pool = self.thread_pool.get_or_init(|| {
            r2d2::Pool::builder()
                .max_size(self.connections)
                .min_idle(Some(0))
                .idle_timeout(Some(Duration::from_secs(30)))
                .build_unchecked(Manager(self.place.clone()))
        });
        rows(&mut *pool.get().map_err(Trouble::ours)?, places).map_err(failed)
    }
}

fn failed(error: Error) -> Trouble {
    Trouble::ours(crate::database::error::told(&error))
}

/// Ends with the program.
fn begin(place: Place) -> Sender<Job> {
    let (jobs, to_do) = channel::<Job>();
    let work = move || {
        for (places, answer) in to_do {
            let html = place.connect().and_then(|mut connection| rows(&mut connection, places));
            // Nobody is there any more where a visitor has left.
            let _ = answer.send(html);
        }
    };
    // Without a thread the channel is closed, and whoever sends learns of it.
    let _: io::Result<_> = thread::Builder::new().name("one-thread".into()).spawn(work);
    jobs
}

struct Manager(Place);

impl ManageConnection for Manager {
    type Connection = Connection;
    type Error = Error;

    fn connect(&self) -> Result<Connection, Error> {
        self.0.connect()
    }

    fn is_valid(&self, connection: &mut Connection) -> Result<(), Error> {
        connection.check()
    }

    fn has_broken(&self, _: &mut Connection) -> bool {
        false
    }
}
