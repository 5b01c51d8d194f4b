//! Messages with descriptors between processes: `SOCK_SEQPACKET` keeps each message whole.

use std::ffi::{c_int, c_void};
use std::io::{self, ErrorKind};
use std::mem;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::ptr;
use std::time::{Duration, Instant};

use nix::sys::socket::{AddressFamily, SockFlag, SockType, setsockopt, socketpair, sockopt};

use super::{poll, process};
use crate::{Error, Result};

/// The most descriptors that travel in one message.
pub(crate) const MAX_FDS: usize = 64;

/// One control message with descriptors, laid out as the kernel's macros would lay it out.
///
/// No other control message arrives: each needs an option that our sockets do not set.
#[repr(C)]
struct Control {
    header: libc::cmsghdr,
    fds: [RawFd; MAX_FDS],
}

const HEADER_BYTES: usize = size_of::<libc::cmsghdr>();

// SAFETY: pure arithmetic on its argument.
const LEN_OF_ALL: u32 = unsafe { libc::CMSG_LEN(size_of::<[RawFd; MAX_FDS]>() as u32) };
const _: () = assert!(LEN_OF_ALL as usize == size_of::<Control>(), "the header is followed by padding");

impl Control {
    /// A control message of the first `count` descriptors.
    fn new(count: usize) -> Control {
        let header = libc::cmsghdr {
            cmsg_len: HEADER_BYTES + count * size_of::<RawFd>(),
            cmsg_level: libc::SOL_SOCKET,
            cmsg_type: libc::SCM_RIGHTS,
        };
        Control { header, fds: [-1; MAX_FDS] }
    }

    /// Takes the descriptors that a `recvmsg` left here, of which it filled `filled` bytes.
    fn into_fds(self, filled: usize) -> Vec<OwnedFd> {
        let is_rights =
            (self.header.cmsg_level, self.header.cmsg_type) == (libc::SOL_SOCKET, libc::SCM_RIGHTS);
        if filled < HEADER_BYTES || !is_rights {
            return Vec::new();
        }
        let count = self.header.cmsg_len.saturating_sub(HEADER_BYTES) / size_of::<RawFd>();
        let fds = self.fds.into_iter().take(count).filter(|&fd| fd >= 0);
        // SAFETY: the kernel made each of them for this message, which is taken once.
        fds.map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }).collect()
    }
}

/// One message as it arrived.
#[derive(Debug)]
pub(crate) struct Received {
    /// The message; empty means that the peer has closed and nothing more will come.
    pub(crate) bytes: Vec<u8>,
    /// The descriptors that came along, close-on-exec.
    pub(crate) fds: Vec<OwnedFd>,
}

/// Two connected ends, close-on-exec and blocking.
///
/// # Errors
/// `Os` from `socketpair`.
pub(crate) fn pair() -> Result<(OwnedFd, OwnedFd)> {
    let (one, other) = socketpair(AddressFamily::Unix, SockType::SeqPacket, None, SockFlag::SOCK_CLOEXEC)
        .map_err(|error| Error::os("socketpair", error))?;
    Ok((process::above_standard(one)?, process::above_standard(other)?))
}

/// Keeps what is sent here and not yet read to a few small messages, with the descriptors in them.
///
/// # Errors
/// `Os` from `setsockopt`.
pub(crate) fn keep_queue_short(fd: BorrowedFd<'_>) -> Result<()> {
    // The kernel makes it the least that it allows, some 4 KiB.
    setsockopt(&fd, sockopt::SndBuf, &0).map_err(|error| Error::os("setsockopt", error))
}

/// Whether the descriptor is a socket of the kind that [`pair`] makes.
pub(crate) fn is_seqpacket(fd: RawFd) -> bool {
    option(fd, libc::SO_TYPE) == Some(libc::SOCK_SEQPACKET)
        && option(fd, libc::SO_DOMAIN) == Some(libc::AF_UNIX)
}

fn option(fd: RawFd, name: c_int) -> Option<c_int> {
    let mut value: c_int = 0;
    let mut len = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: `value` and `len` are live locals and `len` is the size of `value`.
    let returned =
        unsafe { libc::getsockopt(fd, libc::SOL_SOCKET, name, ptr::from_mut(&mut value).cast(), &mut len) };
    (returned == 0).then_some(value)
}

/// Sends one message with up to [`MAX_FDS`] descriptors, of which the peer gets copies.
///
/// Never blocks: a peer that does not read must not stop this process. If this process dies here, the
/// peer gets all of it or nothing.
///
/// # Errors
/// `WouldBlock` when the peer's queue is full, some hundred messages; EPIPE or ECONNRESET when the peer is
/// gone (never SIGPIPE); EMSGSIZE when the message is larger than the socket's buffer; `InvalidInput` for an
/// empty message, which would read as the end.
pub(crate) fn send(fd: BorrowedFd<'_>, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    if bytes.is_empty() || fds.len() > MAX_FDS {
        return Err(ErrorKind::InvalidInput.into());
    }
    let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
    loop {
        let sent = if fds.is_empty() {
            // SAFETY: the address and the length are those of `bytes`.
            unsafe { libc::send(fd.as_raw_fd(), bytes.as_ptr().cast(), bytes.len(), flags) }
        } else {
            send_with(fd, bytes, fds, flags)
        };
        if sent >= 0 {
            return Ok(());
        }
        let error = io::Error::last_os_error();
        if error.kind() != ErrorKind::Interrupted {
            return Err(error);
        }
    }
}

fn send_with(fd: BorrowedFd<'_>, bytes: &[u8], fds: &[BorrowedFd<'_>], flags: c_int) -> isize {
    let mut control = Control::new(fds.len());
    for (place, fd) in control.fds.iter_mut().zip(fds) {
        *place = fd.as_raw_fd();
    }
    let mut part = libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() };
    let mut message = message(&mut part);
    message.msg_controllen = control.header.cmsg_len;
    message.msg_control = ptr::from_mut(&mut control).cast();
    // SAFETY: `message` points to `part`, which covers `bytes`, and to `control`; all are live.
    unsafe { libc::sendmsg(fd.as_raw_fd(), &message, flags) }
}

/// Receives one message, waiting until it comes, the peer closes or the time is up.
///
/// Without a timeout it waits for ever, with zero not at all.
///
/// # Errors
/// `TimedOut`; `InvalidData` when the message was larger than `most` or brought more than
/// [`MAX_FDS`] descriptors (those that arrived are closed); otherwise what `recvmsg` says.
pub(crate) fn receive(fd: BorrowedFd<'_>, most: usize, timeout: Option<Duration>) -> io::Result<Received> {
    let (received, lost) = receive_any(fd, most, timeout)?;
    if lost {
        return Err(io::Error::new(ErrorKind::InvalidData, "descriptors were lost: too many, or no room"));
    }
    Ok(received)
}

/// As [`receive`]; and a message comes without those of its descriptors that this process has no room for.
///
/// # Errors
/// As for [`receive`].
pub(crate) fn receive_what_fits(
    fd: BorrowedFd<'_>,
    most: usize,
    timeout: Option<Duration>,
) -> io::Result<Received> {
    receive_any(fd, most, timeout).map(|(received, _lost)| received)
}

/// One message, and whether it lost descriptors.
fn receive_any(fd: BorrowedFd<'_>, most: usize, timeout: Option<Duration>) -> io::Result<(Received, bool)> {
    let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
    loop {
        let left = deadline.map(|deadline| deadline.saturating_duration_since(Instant::now()));
        match receive_now(fd, most) {
            // Another thread may be faster between the two calls, so the second never blocks.
            Err(error) if error.kind() == ErrorKind::WouldBlock => match poll::readable(fd, left) {
                Ok(true) => {}
                // The kernel cannot wait: looks again, and not at full speed.
                Err(_) if left != Some(Duration::ZERO) => std::thread::sleep(Duration::from_millis(1)),
                Ok(false) | Err(_) => return Err(ErrorKind::TimedOut.into()),
            },
            // ECONNRESET comes once, when the peer closed without reading all that we sent; what it had
            // sent to us before is still there.
            Err(error) if matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::ConnectionReset) => {}
            outcome => return outcome,
        }
    }
}

fn receive_now(fd: BorrowedFd<'_>, most: usize) -> io::Result<(Received, bool)> {
    // As long as the message: in a process that was forked just now every page costs a fault.
    let mut buffer = vec![0; len_of_next(fd)?.min(most)];
    let mut control = Control::new(0);
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    let mut message = message(&mut part);
    message.msg_control = ptr::from_mut(&mut control).cast();
    message.msg_controllen = size_of::<Control>();
    let flags = libc::MSG_CMSG_CLOEXEC | libc::MSG_DONTWAIT;
    // SAFETY: `message` points to `part`, which covers `buffer`, and to `control`; all are live and
    // writable.
    let len = unsafe { libc::recvmsg(fd.as_raw_fd(), &mut message, flags) };
    if len < 0 {
        return Err(io::Error::last_os_error());
    }
    // Owned before anything can return: the kernel has already put them into our table.
    let fds = control.into_fds(message.msg_controllen);
    if message.msg_flags & libc::MSG_TRUNC != 0 {
        return Err(io::Error::new(ErrorKind::InvalidData, "a message larger than its buffer"));
    }
    let lost = message.msg_flags & libc::MSG_CTRUNC != 0;
    buffer.truncate(len as usize);
    match fds.into_iter().map(process::above_standard).collect() {
        Ok(fds) => Ok((Received { bytes: buffer, fds }, lost)),
        Err(_) => Err(io::Error::from_raw_os_error(libc::EMFILE)),
    }
}

/// Bytes of the next message; 0 at the end. Never blocks and takes nothing.
fn len_of_next(fd: BorrowedFd<'_>) -> io::Result<usize> {
    let flags = libc::MSG_PEEK | libc::MSG_TRUNC | libc::MSG_DONTWAIT;
    // SAFETY: nothing is written to a buffer of no bytes.
    let len = unsafe { libc::recv(fd.as_raw_fd(), ptr::null_mut(), 0, flags) };
    usize::try_from(len).map_err(|_| io::Error::last_os_error())
}

/// Copies the start of the next message without taking it or its descriptors; never allocates.
///
/// # Errors
/// As for [`receive`]; 0 means that the peer has closed.
pub(crate) fn peek(fd: BorrowedFd<'_>, buffer: &mut [u8], timeout: Option<Duration>) -> io::Result<usize> {
    loop {
        if !poll::readable(fd, timeout)? {
            return Err(ErrorKind::TimedOut.into());
        }
        let (start, flags) = (buffer.as_mut_ptr().cast::<c_void>(), libc::MSG_PEEK | libc::MSG_DONTWAIT);
        // SAFETY: `start` and the length are `buffer`'s. Without a control buffer the kernel makes no
        // descriptors.
        let len = unsafe { libc::recv(fd.as_raw_fd(), start, buffer.len(), flags) };
        if len >= 0 {
            return Ok(len as usize);
        }
        let error = io::Error::last_os_error();
        match error.kind() {
            ErrorKind::Interrupted | ErrorKind::ConnectionReset | ErrorKind::WouldBlock => {}
            _ => return Err(error),
        }
    }
}

/// A message of one part, without control data.
fn message(part: &mut libc::iovec) -> libc::msghdr {
    // SAFETY: null pointers and zero lengths are a valid empty message; some C libraries have padding
    // here that cannot be written otherwise.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_iov = part;
    message.msg_iovlen = 1;
    message
}
