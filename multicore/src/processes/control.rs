//! What client and supervisor say to each other on the control socket: little, and seldom. Calls
//! never travel here.

use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::config::Limits;
use crate::error::{Error, Result};
use crate::processes::spin::Patience;
use crate::sandbox::Sandbox;
use crate::shm::layout::Geometry;
use crate::sys::socket::{self, Received};

/// The first message. Descriptors: the region, the client's pidfd, the lifeline's writing end, the roster,
/// the client's bell where the pool is sandboxed, and those that workers keep.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Hello {
    pub(crate) geometry: Geometry,
    /// The client's registry digest.
    pub(crate) digest: u64,
    /// Time between SIGTERM and SIGKILL.
    pub(crate) grace: Duration,
    /// The program's name, for the process list.
    pub(crate) name: String,
    /// What each worker may use.
    pub(crate) limits: Limits,
    /// What each worker is kept from.
    pub(crate) sandbox: Option<Sandbox>,
    /// How long a worker spins before it sleeps.
    pub(crate) patience: Patience,
    /// Whether calls may be marked with a fault; else a mark is a worker's own.
    pub(crate) faults: bool,
    /// The numbers under which the workers have the descriptors that they keep.
    pub(crate) keep_fds: Vec<i32>,
    /// How many pieces of shared data the client tells of before anything else.
    pub(crate) shares: usize,
}

/// To the template. Descriptor: the supervisor's end of a new control socket.
///
/// It says nothing, but takes a byte: an empty message would read as the end.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Wanted {
    Supervisor,
}

/// From the client, later.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Order {
    /// Finish every accepted call, then leave.
    Drain,
    /// Look at what runs: a call is to be ended.
    Look,
    /// Free slots keep pages for calls to come: give them back once no such word came for a while.
    Warm,
    /// This call may be run again so often at most, whatever its header says.
    Bound { slot: u32, generation: u32, most: u32 },
    /// Calls that come name this. Descriptor: its sealed file of so many bytes.
    Share { id: u64, len: u64 },
    /// Nothing names these any more.
    LetGo { ids: Vec<u64> },
    /// Leave now.
    Stop,
}

/// From the supervisor.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Word {
    /// From the template: the supervisor's pid, before or after its own first word.
    Started { pid: i32 },
    /// It has the region and agrees about the tasks. Descriptor: its pidfd.
    Ready,
    /// Its registry is another one; it leaves.
    OtherTasks { digest: u64 },
    /// The kernel refused it something; it leaves.
    Refused { call: String, errno: i32 },
    /// Workers do not become ready; it leaves.
    GaveUp { times: u32, cause: String },
}

impl Word {
    /// The kernel, or this crate, refused something.
    pub(crate) fn refused(error: &Error) -> Word {
        match error {
            Error::Os { call, source, .. } => {
                Word::Refused { call: (*call).to_owned(), errno: source.raw_os_error().unwrap_or(0) }
            }
            other => Word::Refused { call: other.to_string(), errno: 0 },
        }
    }
}

/// The longest message.
const MOST: usize = 64 << 10;

/// Sends `message` behind `prefix`.
pub(crate) fn send<T: Serialize>(
    to: BorrowedFd<'_>,
    prefix: &[u8],
    message: &T,
    fds: &[BorrowedFd<'_>],
) -> Result<()> {
    let config = bincode::config::standard();
    let body = bincode::serde::encode_to_vec(message, config)
        .map_err(|why| Error::config("the control message", why.to_string()))?;
    socket::send(to, &[prefix, &body].concat(), fds).map_err(|e| Error::os("sendmsg", e))
}

/// Whether a message could not be sent because the other side is gone.
pub(crate) fn is_gone(error: &Error) -> bool {
    matches!(error, Error::Os { source, .. } if says_gone(source))
}

/// As [`is_gone`], of what the kernel said.
pub(crate) fn says_gone(why: &io::Error) -> bool {
    matches!(why.raw_os_error(), Some(libc::EPIPE | libc::ECONNRESET | libc::ENOTCONN))
}

/// Receives a message that stands behind `prefix_len` bytes; `None` when the other side is gone or
/// says nothing until the time is up.
pub(crate) fn receive<T: DeserializeOwned>(
    from: BorrowedFd<'_>,
    prefix_len: usize,
    timeout: Option<Duration>,
) -> Result<Option<(T, Vec<OwnedFd>)>> {
    receive_by(socket::receive, from, prefix_len, timeout)
}

/// As [`receive`], without a prefix; and a message whose descriptors this process has no room for comes
/// without them.
pub(crate) fn receive_what_fits<T: DeserializeOwned>(
    from: BorrowedFd<'_>,
    timeout: Option<Duration>,
) -> Result<Option<(T, Vec<OwnedFd>)>> {
    receive_by(socket::receive_what_fits, from, 0, timeout)
}

type Receive = fn(BorrowedFd<'_>, usize, Option<Duration>) -> io::Result<Received>;

fn receive_by<T: DeserializeOwned>(
    receive: Receive,
    from: BorrowedFd<'_>,
    prefix_len: usize,
    timeout: Option<Duration>,
) -> Result<Option<(T, Vec<OwnedFd>)>> {
    let received = match receive(from, MOST, timeout) {
        Ok(received) if received.bytes.is_empty() => return Ok(None),
        Ok(received) => received,
        Err(e) if matches!(e.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
            return Ok(None);
        }
        Err(e) => return Err(Error::os("recvmsg", e)),
    };
    let body = received.bytes.get(prefix_len..).unwrap_or_default();
    let config = bincode::config::standard().with_limit::<MOST>();
    let (message, _) = bincode::serde::decode_from_slice(body, config)
        .map_err(|why| Error::config("the control message", why.to_string()))?;
    Ok(Some((message, received.fds)))
}
