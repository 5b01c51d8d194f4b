//! A kernel that refuses: every call of some kinds, by any process of a fixture and at any moment, is put
//! to the test, which lets it happen or names an error.
//!
//! The fixture installs a filter that asks ([`ask`]); its processes inherit it. A filter that refuses by
//! itself could not tell one moment or one process from another.

use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

use libc::{
    SECCOMP_IOCTL_NOTIF_RECV, SECCOMP_IOCTL_NOTIF_SEND, seccomp_notif, seccomp_notif_resp, sock_filter,
};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

/// A call that some process makes.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// The thread that makes it.
    pub thread: i32,
    /// The call's number.
    pub call: i64,
    /// Its arguments.
    pub arguments: [u64; 6],
}

/// From now on every process that this one becomes or starts asks before it makes one of these calls;
/// where it asks.
///
/// # Errors
/// What the kernel says where it cannot.
pub fn ask(calls: &[i64]) -> io::Result<OwnedFd> {
    let number = std::mem::offset_of!(libc::seccomp_data, nr) as u32;
    let load = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    let equal = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    let answer = (libc::BPF_RET | libc::BPF_K) as u16;
    let mut program = vec![sock_filter { code: load, jt: 0, jf: 0, k: number }];
    for &call in calls {
        program.push(sock_filter { code: equal, jt: 0, jf: 1, k: call as u32 });
        program.push(sock_filter { code: answer, jt: 0, jf: 0, k: libc::SECCOMP_RET_USER_NOTIF });
    }
    program.push(sock_filter { code: answer, jt: 0, jf: 0, k: libc::SECCOMP_RET_ALLOW });
    nix::sys::prctl::set_no_new_privs()?;
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    let (operation, flags) = (libc::SECCOMP_SET_MODE_FILTER, libc::SECCOMP_FILTER_FLAG_NEW_LISTENER);
    // SAFETY: `program` points to a live array of so many instructions, which the kernel copies and checks.
    let listener = unsafe { libc::syscall(libc::SYS_seccomp, operation, flags, &program) };
    owned(listener)
}

/// The listener that a fixture has under this number, for the test that started it.
///
/// # Errors
/// What the kernel says.
pub fn listener_of(fixture: i32, number: i32) -> io::Result<OwnedFd> {
    // SAFETY: passes no memory.
    let process = owned(unsafe { libc::syscall(libc::SYS_pidfd_open, fixture, 0) })?;
    // SAFETY: passes no memory.
    owned(unsafe { libc::syscall(libc::SYS_pidfd_getfd, process.as_raw_fd(), number, 0) })
}

/// Answers until no process is left that could ask: `None` lets the call happen, a number refuses it
/// with that error.
///
/// # Panics
/// When the kernel does not go on.
pub fn answer(listener: &OwnedFd, mut decide: impl FnMut(Asked) -> Option<i32>) {
    loop {
        let mut fds = [PollFd::new(std::os::fd::AsFd::as_fd(listener), PollFlags::POLLIN)];
        poll(&mut fds, PollTimeout::NONE).expect("the kernel's next question");
        if !fds[0].revents().is_some_and(|events| events.contains(PollFlags::POLLIN)) {
            return;
        }
        // SAFETY: all zeroes is valid, and what the kernel wants to find.
        let mut asked: seccomp_notif = unsafe { std::mem::zeroed() };
        // SAFETY: `asked` is a live local of the type that this request fills.
        if unsafe { libc::ioctl(listener.as_raw_fd(), SECCOMP_IOCTL_NOTIF_RECV, &mut asked) } == -1 {
            // It was killed before the question was taken.
            continue;
        }
        let data = asked.data;
        let call = Asked { thread: asked.pid as i32, call: i64::from(data.nr), arguments: data.args };
        let (error, flags) = match decide(call) {
            Some(errno) => (-errno, 0),
            None => (0, libc::SECCOMP_USER_NOTIF_FLAG_CONTINUE as u32),
        };
        let response = seccomp_notif_resp { id: asked.id, val: 0, error, flags };
        // SAFETY: `response` is a live local of the type that this request reads. It fails where the process
        // is gone.
        unsafe { libc::ioctl(listener.as_raw_fd(), SECCOMP_IOCTL_NOTIF_SEND, &response) };
    }
}

fn owned(returned: i64) -> io::Result<OwnedFd> {
    if returned < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the kernel just made the descriptor, and only this place saw it.
    Ok(unsafe { OwnedFd::from_raw_fd(returned as i32) })
}
