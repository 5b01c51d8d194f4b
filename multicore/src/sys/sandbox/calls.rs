//! Kernel calls, by seccomp: a list of what a worker needs for computing; everything else is EPERM.
//!
//! The list lets a process manage its own memory and threads, read what it can open, tell the time, sleep,
//! and end itself. No call on it makes a process, a socket or a file, or names another process.

use std::ptr;

use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen as Width, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};

use super::Own;
use crate::Result;
use crate::sys::checked;

/// Whether the kernel takes filters.
///
/// # Errors
/// `Os` from `seccomp`: ENOSYS or EINVAL without it, EPERM or the like where a container forbids it.
pub(crate) fn check_seccomp() -> Result<()> {
    let action: u32 = libc::SECCOMP_RET_ERRNO;
    let asks = libc::SECCOMP_GET_ACTION_AVAIL;
    // SAFETY: the kernel reads the number behind the pointer, a live local.
    let known = unsafe { libc::syscall(libc::SYS_seccomp, asks, 0, ptr::from_ref(&action)) };
    checked("seccomp", known).map(drop)
}

/// Refuses every kernel call that is not on the list, in all threads of this process, for good.
///
/// # Errors
/// In words: what the kernel refused.
pub(crate) fn restrict_calls(own: &Own) -> Result<(), String> {
    let filters = [fall_back(), allow(own)];
    for filter in filters {
        let program = filter.and_then(BpfProgram::try_from).map_err(|error| format!("seccomp: {error}"))?;
        seccompiler::apply_filter_all_threads(&program).map_err(|error| format!("seccomp: {error}"))?;
    }
    Ok(())
}

type Filter = Result<SeccompFilter, seccompiler::BackendError>;
type Rules = Vec<(libc::c_long, Vec<SeccompRule>)>;

fn filter(rules: Rules, otherwise: SeccompAction, on_match: SeccompAction) -> Filter {
    let arch = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(rules.into_iter().collect(), otherwise, on_match, arch)
}

/// Calls whose arguments stand in memory, where no filter sees them. The C library and the standard library
/// take an older one when they hear that there is none.
fn fall_back() -> Filter {
    let calls = [libc::SYS_clone3, libc::SYS_openat2, libc::SYS_close_range];
    let rules = calls.map(|call| (call, Vec::new())).into();
    filter(rules, SeccompAction::Allow, SeccompAction::Errno(libc::ENOSYS as u32))
}

fn allow(own: &Own) -> Filter {
    let mut rules: Rules = FREE.iter().map(|call| (*call, Vec::new())).collect();
    // Of two refusals the later filter's counts, so this one lets the other's pass.
    rules.extend([libc::SYS_clone3, libc::SYS_openat2, libc::SYS_close_range].map(|call| (call, Vec::new())));
    rules.extend(conditional(own)?);
    filter(rules, SeccompAction::Errno(libc::EPERM as u32), SeccompAction::Allow)
}

/// Whatever the arguments are.
#[rustfmt::skip]
const FREE: &[libc::c_long] = &[
    // memory
    libc::SYS_brk, libc::SYS_mprotect, libc::SYS_mremap, libc::SYS_munmap, libc::SYS_mincore,
    libc::SYS_membarrier,
    // what is open, and what can be opened
    libc::SYS_read, libc::SYS_readv, libc::SYS_pread64, libc::SYS_preadv, libc::SYS_preadv2, libc::SYS_lseek,
    libc::SYS_fstat, libc::SYS_newfstatat, libc::SYS_statx, libc::SYS_faccessat, libc::SYS_faccessat2,
    libc::SYS_readlinkat, libc::SYS_getdents64, libc::SYS_getcwd, libc::SYS_fadvise64,
    // waiting
    libc::SYS_ppoll, libc::SYS_pselect6, libc::SYS_epoll_create1, libc::SYS_epoll_ctl, libc::SYS_epoll_pwait,
    libc::SYS_epoll_pwait2, libc::SYS_eventfd2, libc::SYS_pipe2, libc::SYS_futex, libc::SYS_sched_yield,
    libc::SYS_nanosleep, libc::SYS_clock_nanosleep, libc::SYS_restart_syscall,
    // time and chance
    libc::SYS_clock_gettime, libc::SYS_clock_getres, libc::SYS_gettimeofday, libc::SYS_times,
    libc::SYS_getrusage, libc::SYS_getrandom,
    // threads and signals of its own
    libc::SYS_set_tid_address, libc::SYS_set_robust_list, libc::SYS_rseq, libc::SYS_gettid,
    libc::SYS_getcpu, libc::SYS_sched_getaffinity, libc::SYS_sched_getparam, libc::SYS_sched_getscheduler,
    libc::SYS_sched_get_priority_max, libc::SYS_sched_get_priority_min,
    libc::SYS_rt_sigaction, libc::SYS_rt_sigprocmask, libc::SYS_rt_sigreturn, libc::SYS_rt_sigpending,
    libc::SYS_rt_sigsuspend, libc::SYS_rt_sigtimedwait, libc::SYS_sigaltstack,
    // who it is
    libc::SYS_getpid, libc::SYS_getppid, libc::SYS_getuid, libc::SYS_geteuid, libc::SYS_getgid,
    libc::SYS_getegid, libc::SYS_uname, libc::SYS_sysinfo,
    // the end
    libc::SYS_exit, libc::SYS_exit_group,
    #[cfg(target_arch = "x86_64")] libc::SYS_stat,
    #[cfg(target_arch = "x86_64")] libc::SYS_lstat,
    #[cfg(target_arch = "x86_64")] libc::SYS_access,
    #[cfg(target_arch = "x86_64")] libc::SYS_readlink,
    #[cfg(target_arch = "x86_64")] libc::SYS_poll,
    #[cfg(target_arch = "x86_64")] libc::SYS_select,
    #[cfg(target_arch = "x86_64")] libc::SYS_epoll_create,
    #[cfg(target_arch = "x86_64")] libc::SYS_epoll_wait,
    #[cfg(target_arch = "x86_64")] libc::SYS_pipe,
    #[cfg(target_arch = "x86_64")] libc::SYS_pause,
    #[cfg(target_arch = "x86_64")] libc::SYS_time,
];

/// Bits of `open` that do more than read.
const WRITES: libc::c_int =
    libc::O_ACCMODE | libc::O_CREAT | libc::O_TRUNC | (libc::O_TMPFILE & !libc::O_DIRECTORY);
/// What a new thread shares or has of its own, as far as it matters here.
const THREAD: libc::c_int = libc::CLONE_THREAD
    | libc::CLONE_NEWNS
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWCGROUP;
/// `PR_SET_VMA`: the C library names its memory so.
const PR_SET_VMA: u64 = 0x5356_4d41;
/// Advice that changes nothing but when pages come and go. (Others punch holes into files, or break memory.)
const ADVICE: [libc::c_int; 12] = [
    libc::MADV_NORMAL,
    libc::MADV_RANDOM,
    libc::MADV_SEQUENTIAL,
    libc::MADV_WILLNEED,
    libc::MADV_DONTNEED,
    libc::MADV_FREE,
    libc::MADV_HUGEPAGE,
    libc::MADV_NOHUGEPAGE,
    libc::MADV_DONTDUMP,
    libc::MADV_DODUMP,
    // MADV_GUARD_INSTALL and MADV_GUARD_REMOVE: below the stacks of threads.
    102,
    103,
];
const TERMINAL_AND_FLAGS: [libc::Ioctl; 4] = [libc::TCGETS, libc::TCGETS2, libc::FIOCLEX, libc::FIONCLEX];
/// Copies and flags of a descriptor. Not its owner, its lease or its locks.
const COPY: [libc::c_int; 2] = [libc::F_DUPFD, libc::F_DUPFD_CLOEXEC];
const FLAGS: [libc::c_int; 3] = [libc::F_GETFD, libc::F_SETFD, libc::F_GETFL];

/// Calls that are allowed with these arguments.
fn conditional(own: &Own) -> Result<Rules, seccompiler::BackendError> {
    let pid = u64::from(std::process::id());
    let not_lifeline = || argument(0, SeccompCmpOp::Ne, own.lifeline as u64);
    let not_region = |index| argument(index, SeccompCmpOp::Ne, own.region as u64);
    let read_only = |index| masked(index, WRITES, 0);
    let rules = vec![
        (libc::SYS_openat, vec![rule([read_only(2)])?]),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_open, vec![rule([read_only(1)])?]),
        (libc::SYS_write, vec![rule([not_lifeline()])?]),
        (libc::SYS_writev, vec![rule([not_lifeline()])?]),
        (libc::SYS_close, vec![rule([not_region(0)])?]),
        (libc::SYS_dup, vec![rule([not_lifeline()])?]),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_dup2, vec![rule([not_lifeline(), not_region(1)])?]),
        (libc::SYS_dup3, vec![rule([not_lifeline(), not_region(1)])?]),
        (libc::SYS_fcntl, {
            let mut rules = one_of(1, FLAGS.map(|flag| flag as u64))?;
            for copy in COPY {
                rules.push(rule([not_lifeline(), equal(1, copy as u64)])?);
            }
            // Those of standard input, output and error are the client's as well.
            let above_standard = argument(0, SeccompCmpOp::Gt, 2);
            rules.push(rule([above_standard, equal(1, libc::F_SETFL as u64)])?);
            rules
        }),
        (libc::SYS_ioctl, one_of(1, TERMINAL_AND_FLAGS.map(|request| request as u32 as u64))?),
        // The private region's windows, and of them no more than the region has.
        (libc::SYS_fallocate, {
            let in_windows = SeccompCondition::new(2, Width::Qword, SeccompCmpOp::Ge, own.windows as u64);
            vec![rule([equal(0, own.region as u64), in_windows])?]
        }),
        // Shared memory without a file would be memory that no limit counts.
        (libc::SYS_mmap, {
            let private = rule([masked(3, libc::MAP_TYPE, libc::MAP_PRIVATE)])?;
            let of_a_file = rule([masked(3, libc::MAP_ANONYMOUS, 0)])?;
            vec![private, of_a_file]
        }),
        (libc::SYS_madvise, one_of(2, ADVICE.map(|advice| advice as u64))?),
        (libc::SYS_clone, vec![rule([masked(0, THREAD, libc::CLONE_THREAD)])?]),
        (libc::SYS_tgkill, vec![rule([equal(0, pid)])?]),
        (libc::SYS_kill, vec![rule([equal(0, pid)])?]),
        (libc::SYS_sched_setaffinity, vec![rule([equal(0, 0)])?]),
        (libc::SYS_prctl, one_of(0, [libc::PR_SET_NAME as u64, libc::PR_GET_NAME as u64, PR_SET_VMA])?),
        // Its own limits, to be read.
        (libc::SYS_prlimit64, {
            let nothing_new = SeccompCondition::new(2, Width::Qword, SeccompCmpOp::Eq, 0);
            vec![rule([equal(0, 0), nothing_new])?]
        }),
        #[cfg(target_arch = "x86_64")]
        (libc::SYS_getrlimit, Vec::new()),
    ];
    Ok(rules)
}

type Condition = Result<SeccompCondition, seccompiler::BackendError>;

/// All of it must hold.
fn rule<const N: usize>(conditions: [Condition; N]) -> Result<SeccompRule, seccompiler::BackendError> {
    SeccompRule::new(conditions.into_iter().collect::<Result<_, _>>()?)
}

/// The argument is one of these.
fn one_of<const N: usize>(
    index: u8,
    values: [u64; N],
) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    values.into_iter().map(|value| rule([equal(index, value)])).collect()
}

/// Compares as the kernel does that takes an `int`: the upper half does not count.
fn argument(index: u8, operator: SeccompCmpOp, value: u64) -> Condition {
    SeccompCondition::new(index, Width::Dword, operator, value)
}

fn equal(index: u8, value: u64) -> Condition {
    argument(index, SeccompCmpOp::Eq, value)
}

fn masked(index: u8, mask: libc::c_int, value: libc::c_int) -> Condition {
    argument(index, SeccompCmpOp::MaskedEq(u64::from(mask as u32)), u64::from(value as u32))
}
