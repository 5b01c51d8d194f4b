//! What the command line says.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;
use std::{env, fmt, num, str};

use crate::database::place::Place;

pub(crate) const HELP: &str = "\
A web application whose requests, jobs and uploads run in worker processes.

usage: users_web [OPTIONS]

  --listen ADDRESS            where to listen [127.0.0.1:8000; port 0: any that is free]
  --database FILE             the SQLite file, made and filled where there is none [in a temporary folder]
  --database-url URL          PostgreSQL in its place: postgres://user@host/name [$DATABASE_URL]
  --workers N                 worker processes for pages and reports [as many as cores, at least 2]
  --limit N                   requests under way at once; more are answered with 503 [4 for each worker]
  --max-load-average SHARE    503 as well while the machine's load is above this share of its cores, such as 0.85
  --notice SECONDS            after SIGTERM, go on for so long with /healthz at 503 [0]
  --shutdown-timeout SECONDS  how long requests and reports may take to end then [5]
  --demo                      offer to end a worker, on the page of the pools
  --help                      this text
";

/// The options of this run. A worker is this program as well, with the same arguments, and so finds the same.
pub(crate) static OPTIONS: LazyLock<Result<Options, Wrong>> = LazyLock::new(|| {
    let arguments = env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned());
    parse(arguments, env::var("DATABASE_URL").ok())
});

#[derive(Clone, Debug)]
pub(crate) struct Options {
    pub(crate) listen: SocketAddr,
    pub(crate) database: Place,
    pub(crate) workers: usize,
    pub(crate) limit: usize,
    pub(crate) max_load_average: Option<f64>,
    pub(crate) notice: Duration,
    pub(crate) shutdown_timeout: Duration,
    pub(crate) demo: bool,
}

/// Why there are no options.
#[derive(Clone, Debug)]
pub(crate) enum Wrong {
    /// Somebody asks for help.
    Help,
    Option(String),
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wrong::Help => f.write_str(HELP),
            Wrong::Option(why) => write!(f, "{why}\n`users_web --help` lists the options"),
        }
    }
}

fn parse(mut arguments: impl Iterator<Item = String>, url: Option<String>) -> Result<Options, Wrong> {
    let (mut listen, mut file, mut url) = (SocketAddr::from(([127, 0, 0, 1], 8000)), None, url);
    let cores = std::thread::available_parallelism().map_or(2, num::NonZero::get);
    let (mut workers, mut limit, mut max_load_average, mut demo) = (cores.max(2), None, None, false);
    let (mut notice, mut shutdown_timeout) = (Duration::ZERO, Duration::from_secs(5));
    while let Some(argument) = arguments.next() {
        let (name, mut value) = match argument.split_once('=') {
            Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
            None => (argument, None),
        };
        let mut value = || {
            let value = value.take().or_else(|| arguments.next());
            value.ok_or_else(|| Wrong::Option(format!("{name} needs a value")))
        };
        match &*name {
            "--listen" => listen = number(&name, &value()?, "an address such as 127.0.0.1:8000")?,
            "--database" => (file, url) = (Some(PathBuf::from(value()?)), None),
            "--database-url" => url = Some(value()?),
            "--workers" => workers = within(&name, &value()?, 1..=1024)?,
            "--limit" => limit = Some(within(&name, &value()?, 1..=100_000)?),
            "--max-load-average" => max_load_average = Some(within(&name, &value()?, 0.0..=10.0)?),
            "--notice" => notice = Duration::from_secs(within(&name, &value()?, 0..=3600)?),
            "--shutdown-timeout" => {
                shutdown_timeout = Duration::from_secs(within(&name, &value()?, 0..=3600)?)
            }
            "--demo" => demo = true,
            "--help" | "-h" => return Err(Wrong::Help),
            _ => return Err(Wrong::Option(format!("there is no option {name}"))),
        }
    }
    let database = Place::new(file, url).map_err(Wrong::Option)?;
    let limit = limit.unwrap_or(4 * workers);
    Ok(Options { listen, database, workers, limit, max_load_average, notice, shutdown_timeout, demo })
}

fn number<T: str::FromStr>(name: &str, value: &str, what: &str) -> Result<T, Wrong> {
    value.parse().map_err(|_| Wrong::Option(format!("{name} {value}: this is not {what}")))
}

fn within<T>(name: &str, value: &str, range: std::ops::RangeInclusive<T>) -> Result<T, Wrong>
where
    T: str::FromStr + PartialOrd + fmt::Display,
{
    let what = format!("a number from {} to {}", range.start(), range.end());
    let number = number(name, value, &what)?;
    if range.contains(&number) {
        Ok(number)
    } else {
        Err(Wrong::Option(format!("{name} {value}: this is not {what}")))
    }
}
