//! `r2d2_postgres`'s manager where no server answers: how long that takes is its own affair, and its call's.

use std::error::Error as _;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::sys::socket::{Backlog, Shutdown, listen, shutdown};
use postgres::{Config, Error, NoTls};
use r2d2_postgres::PostgresConnectionManager;

use super::{Site, folder};

/// The port is in a file of the site's folder.
#[multicore::resource(r2d2)]
fn db() -> PostgresConnectionManager<NoTls> {
    let port = std::fs::read_to_string(folder().join("port")).expect("a port");
    let mut config = Config::new();
    config.host("127.0.0.1").port(port.parse().expect("a number")).user("nobody");
    config.connect_timeout(Duration::from_millis(100));
    PostgresConnectionManager::new(config, NoTls)
}

/// What kind of failure it is that there is no connection.
#[multicore::task]
fn connect() -> Result<(), String> {
    let kind = |error: Error| {
        let source = error.source().and_then(|source| source.downcast_ref::<std::io::Error>());
        source.map_or_else(|| error.to_string(), |source| format!("{:?}", source.kind()))
    };
    db::get().map(drop).map_err(kind)
}

fn site(port: u16) -> Site {
    let site = Site::of(1);
    std::fs::write(site.folder.path().join("port"), port.to_string()).unwrap();
    site
}

#[track_caller]
fn check(port: u16, expected: ErrorKind) {
    let site = site(port);
    for _ in 0..3 {
        assert_eq!(site.call(connect::call()), Err(format!("{expected:?}")));
    }
    assert_eq!(site.resources(), [0, 0, 0, 0]);
    site.end();
}

/// From now on whoever connects is refused; the port stays taken.
fn refuse(server: &TcpListener) {
    shutdown(server.as_raw_fd(), Shutdown::Both).unwrap();
}

/// Nobody listens there.
pub fn a_server_that_is_not_there_is_the_managers_error() {
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    refuse(&server);
    check(server.local_addr().unwrap().port(), ErrorKind::ConnectionRefused);
}

/// The manager's own time limit holds in a worker: this server's queue is full, so that nothing answers.
pub fn a_managers_own_time_limit_is_its_error() {
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listen(&server, Backlog::new(1).unwrap()).unwrap();
    let address = server.local_addr().unwrap();
    let connect = |address: &SocketAddr| TcpStream::connect_timeout(address, Duration::from_millis(100));
    let queue: Vec<_> = std::iter::from_fn(|| connect(&address).ok()).collect();
    assert!(!queue.is_empty());
    check(address.port(), ErrorKind::TimedOut);
}

/// A server that takes connections and never says a word has no such limit: the call's holds, and ends its worker.
pub fn a_silent_server_costs_a_call_with_a_time_limit_its_worker_alone() {
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let site = site(server.local_addr().unwrap().port());
    for _ in 0..2 {
        let ended = site.outcome(connect::call().timeout(Duration::from_millis(200)));
        assert!(matches!(ended, Err(multicore::Error::TimedOut { .. })), "{ended:?}");
    }
    refuse(&server);
    assert_eq!(site.call(connect::call()), Err(format!("{:?}", ErrorKind::ConnectionRefused)));
    site.end();
}
