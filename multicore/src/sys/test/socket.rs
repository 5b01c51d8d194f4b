use std::fs::File;
use std::io::{ErrorKind, Read, Seek, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::time::Duration;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use super::check_in_child;
use crate::sys::{memfd, socket};

const AT_ONCE: Option<Duration> = Some(Duration::ZERO);

fn open_descriptors() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[test]
fn a_message_brings_its_bytes_and_descriptors() {
    let (one, other) = socket::pair().unwrap();
    assert!(socket::is_seqpacket(one.as_raw_fd()));
    let mut file = File::from(memfd::create(c"test").unwrap());
    file.write_all(b"through the socket").unwrap();
    let fds = [file.as_fd(); socket::MAX_FDS];
    socket::send(one.as_fd(), b"hello", &fds).unwrap();
    socket::send(one.as_fd(), b"world", &[]).unwrap();

    let received = socket::receive(other.as_fd(), 64, None).unwrap();
    assert_eq!((&received.bytes[..], received.fds.len()), (&b"hello"[..], socket::MAX_FDS));
    for fd in &received.fds {
        assert_eq!(fcntl(fd, FcntlArg::F_GETFD), Ok(FdFlag::FD_CLOEXEC.bits()));
    }
    let mut copy = File::from(received.fds.into_iter().next().unwrap());
    let mut text = String::new();
    copy.rewind().unwrap();
    copy.read_to_string(&mut text).unwrap();
    assert_eq!(text, "through the socket");

    let received = socket::receive(other.as_fd(), 64, None).unwrap();
    assert_eq!((&received.bytes[..], received.fds.len()), (&b"world"[..], 0));
}

#[test]
fn a_peek_takes_nothing() {
    let (one, other) = socket::pair().unwrap();
    let mut buffer = [0; 8];
    let early = socket::peek(other.as_fd(), &mut buffer, AT_ONCE).unwrap_err();
    assert_eq!(early.kind(), ErrorKind::TimedOut);
    socket::send(one.as_fd(), b"a longer message", &[one.as_fd()]).unwrap();
    assert_eq!(socket::peek(other.as_fd(), &mut buffer, AT_ONCE).unwrap(), 8);
    assert_eq!(&buffer, b"a longer");
    let received = socket::receive(other.as_fd(), 64, AT_ONCE).unwrap();
    assert_eq!((received.bytes.len(), received.fds.len()), (16, 1));
}

/// In a child of its own: another test's fork would hold the closed end open for a moment.
#[test]
fn a_closed_peer_reads_as_the_end_after_what_it_sent() {
    check_in_child(|| {
        let (one, other) = socket::pair().unwrap();
        socket::send(one.as_fd(), b"last", &[]).unwrap();
        socket::send(other.as_fd(), b"never read", &[]).unwrap();
        drop(one);
        let mut buffer = [0; 8];
        assert_eq!(socket::receive(other.as_fd(), 8, AT_ONCE).unwrap().bytes.len(), 4);
        assert_eq!(socket::receive(other.as_fd(), 8, AT_ONCE).unwrap().bytes.len(), 0);
        assert_eq!(socket::peek(other.as_fd(), &mut buffer, AT_ONCE).unwrap(), 0);
        socket::send(other.as_fd(), b"x", &[]).unwrap_err().kind() == ErrorKind::BrokenPipe
    });
}

#[test]
fn nothing_to_receive_is_a_timeout() {
    let (_one, other) = socket::pair().unwrap();
    for timeout in [Duration::ZERO, Duration::from_millis(5)] {
        let late = socket::receive(other.as_fd(), 8, Some(timeout)).unwrap_err();
        assert_eq!(late.kind(), ErrorKind::TimedOut);
    }
}

#[test]
fn a_message_that_cannot_be_sent_whole_is_refused() {
    let (one, _other) = socket::pair().unwrap();
    let fds = [one.as_fd(); socket::MAX_FDS + 1];
    for (bytes, fds) in [(&b"x"[..], &fds[..]), (&b""[..], &[])] {
        let refused = socket::send(one.as_fd(), bytes, fds).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    }
}

/// In a child of its own, so that no other test opens descriptors while these are counted.
#[test]
fn a_truncated_message_leaks_no_descriptor() {
    check_in_child(|| {
        let (one, other) = socket::pair().unwrap();
        let before = open_descriptors();
        socket::send(one.as_fd(), b"larger than the buffer", &[one.as_fd(); 3]).unwrap();
        let cut = socket::receive(other.as_fd(), 4, AT_ONCE).unwrap_err();
        assert_eq!(cut.kind(), ErrorKind::InvalidData);

        send_raw(&one, &[one.as_fd(); socket::MAX_FDS + 3]);
        let cut = socket::receive(other.as_fd(), 4, AT_ONCE).unwrap_err();
        assert_eq!(cut.kind(), ErrorKind::InvalidData);
        open_descriptors() == before
    });
}

/// Sends more descriptors than `send` would.
fn send_raw(to: &OwnedFd, fds: &[BorrowedFd<'_>]) {
    use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};
    let fds: Vec<_> = fds.iter().map(AsRawFd::as_raw_fd).collect();
    let part = [std::io::IoSlice::new(b"x")];
    let control = [ControlMessage::ScmRights(&fds)];
    sendmsg::<()>(to.as_raw_fd(), &part, &control, MsgFlags::empty(), None).unwrap();
}

#[test]
fn a_full_queue_does_not_block() {
    let (one, _other) = socket::pair().unwrap();
    let full = (0..100_000).find_map(|_| socket::send(one.as_fd(), &[0; 1024], &[]).err());
    assert_eq!(full.unwrap().kind(), ErrorKind::WouldBlock);
}
