//! What a task may try against the rest of the system: one kernel call each, harmless where it is allowed.

use std::ffi::CStr;
use std::fs;
use std::io;
use std::os::unix::fs::FileExt;
use std::sync::OnceLock;

use crate::wild;

/// One call of the kernel with its arguments.
struct Attempt {
    name: &'static str,
    number: libc::c_long,
    arguments: [u64; 6],
}

const NOWHERE: &CStr = c"/nonexistent/file";
const NULL_DEVICE: &CStr = c"/dev/null";
const NONE: u64 = u64::MAX;

/// Every call that reaches out of a worker, in one way or another.
#[rustfmt::skip]
fn attempts() -> Vec<Attempt> {
    let parent = nix::unistd::getppid().as_raw() as u64;
    let own = u64::from(std::process::id());
    let at = libc::AT_FDCWD as u64;
    let (nowhere, null) = (NOWHERE.as_ptr() as u64, NULL_DEVICE.as_ptr() as u64);
    let mut attempts = Vec::new();
    let mut add = |name, number, given: &[u64]| {
        let mut arguments = [0; 6];
        arguments[..given.len()].copy_from_slice(given);
        attempts.push(Attempt { name, number, arguments });
    };
    // sockets
    add("socket, internet", libc::SYS_socket, &[libc::AF_INET as u64, libc::SOCK_STREAM as u64]);
    add("socket, unix", libc::SYS_socket, &[libc::AF_UNIX as u64, libc::SOCK_STREAM as u64]);
    add("connect", libc::SYS_connect, &[NONE]);
    add("bind", libc::SYS_bind, &[NONE]);
    add("sendmsg", libc::SYS_sendmsg, &[NONE]);
    add("recvmsg", libc::SYS_recvmsg, &[NONE]);
    // processes
    add("fork", wild::SYS_FORK, &[libc::SIGCHLD as u64]);
    add("clone of a process", libc::SYS_clone, &[libc::SIGCHLD as u64]);
    add("a thread in a user namespace", libc::SYS_clone, &[(libc::CLONE_THREAD | libc::CLONE_NEWUSER) as u64]);
    add("execve", libc::SYS_execve, &[nowhere]);
    add("execveat", libc::SYS_execveat, &[at, nowhere]);
    add("kill of the parent", libc::SYS_kill, &[parent]);
    add("kill of the group", libc::SYS_kill, &[0]);
    add("kill of everybody", libc::SYS_kill, &[NONE]);
    add("tgkill of another", libc::SYS_tgkill, &[parent, parent]);
    add("tkill of another", libc::SYS_tkill, &[parent]);
    add("pidfd_open", libc::SYS_pidfd_open, &[parent]);
    add("ptrace", libc::SYS_ptrace, &[libc::PTRACE_ATTACH as u64, 0]);
    add("process_vm_readv", libc::SYS_process_vm_readv, &[parent]);
    add("process_vm_writev", libc::SYS_process_vm_writev, &[parent]);
    add("kcmp", libc::SYS_kcmp, &[own, own, 99]);
    add("wait4", libc::SYS_wait4, &[NONE, 0, libc::WNOHANG as u64]);
    add("setpgid", libc::SYS_setpgid, &[]);
    add("unshare", libc::SYS_unshare, &[]);
    add("setns", libc::SYS_setns, &[NONE]);
    add("not to die with the supervisor", libc::SYS_prctl, &[libc::PR_SET_PDEATHSIG as u64, libc::SIGKILL as u64]);
    add("setpriority", libc::SYS_setpriority, &[]);
    add("sched_setscheduler", libc::SYS_sched_setscheduler, &[]);
    add("cores of another", libc::SYS_sched_setaffinity, &[parent]);
    add("limits of another", libc::SYS_prlimit64, &[parent, libc::RLIMIT_NOFILE as u64]);
    add("own limits, to be set", libc::SYS_prlimit64, &[0, libc::RLIMIT_NOFILE as u64, 1]);
    add("setuid", libc::SYS_setuid, &[u64::from(wild::user())]);
    // files
    add("open for writing", libc::SYS_openat, &[at, null, libc::O_WRONLY as u64]);
    add("open for both", libc::SYS_openat, &[at, null, libc::O_RDWR as u64]);
    add("open and cut", libc::SYS_openat, &[at, null, libc::O_TRUNC as u64]);
    add("open and make", libc::SYS_openat, &[at, null, libc::O_CREAT as u64]);
    add("open by handle", libc::SYS_open_by_handle_at, &[NONE]);
    add("mkdirat", libc::SYS_mkdirat, &[at, nowhere]);
    add("unlinkat", libc::SYS_unlinkat, &[at, nowhere]);
    add("renameat2", libc::SYS_renameat2, &[at, nowhere, at, nowhere]);
    add("symlinkat", libc::SYS_symlinkat, &[nowhere, at, nowhere]);
    add("linkat", libc::SYS_linkat, &[at, nowhere, at, nowhere]);
    add("fchmodat", libc::SYS_fchmodat, &[at, nowhere]);
    add("fchownat", libc::SYS_fchownat, &[at, nowhere]);
    add("utimensat", libc::SYS_utimensat, &[at, nowhere]);
    add("setxattr", libc::SYS_setxattr, &[nowhere]);
    add("truncate", libc::SYS_truncate, &[nowhere]);
    add("ftruncate", libc::SYS_ftruncate, &[NONE]);
    add("pwrite64", libc::SYS_pwrite64, &[NONE]);
    add("chdir", libc::SYS_chdir, &[nowhere]);
    add("chroot", libc::SYS_chroot, &[nowhere]);
    add("mount", libc::SYS_mount, &[]);
    add("flock", libc::SYS_flock, &[NONE]);
    add("fallocate elsewhere", libc::SYS_fallocate, &[0, 0, 1 << 20, 4096]);
    add("pages back from a mapping", libc::SYS_madvise, &[0, 0, libc::MADV_REMOVE as u64]);
    // descriptors that others have as well
    add("flags of standard input", libc::SYS_fcntl, &[0, libc::F_SETFL as u64]);
    add("owner of standard input", libc::SYS_fcntl, &[0, libc::F_SETOWN as u64, own]);
    add("a lock", libc::SYS_fcntl, &[NONE, libc::F_SETLK as u64]);
    add("keys for the terminal", libc::SYS_ioctl, &[NONE, libc::TIOCSTI]);
    add("no waiting, by ioctl", libc::SYS_ioctl, &[NONE, libc::FIONBIO]);
    // memory that no limit counts
    add("memfd_create", libc::SYS_memfd_create, &[nowhere]);
    add("shared memory without a file", libc::SYS_mmap,
        &[0, 4096, libc::PROT_READ as u64, (libc::MAP_SHARED | libc::MAP_ANONYMOUS) as u64, NONE]);
    add("shmget", libc::SYS_shmget, &[]);
    add("msgget", libc::SYS_msgget, &[NONE]);
    add("mq_open", libc::SYS_mq_open, &[nowhere]);
    // the kernel's larger doors
    add("io_uring_setup", libc::SYS_io_uring_setup, &[]);
    add("bpf", libc::SYS_bpf, &[NONE]);
    add("perf_event_open", libc::SYS_perf_event_open, &[]);
    add("userfaultfd", libc::SYS_userfaultfd, &[NONE]);
    add("keyctl", libc::SYS_keyctl, &[NONE]);
    add("inotify_init1", libc::SYS_inotify_init1, &[]);
    add("seccomp", libc::SYS_seccomp, &[NONE]);
    add("landlock_create_ruleset", libc::SYS_landlock_create_ruleset, &[0, 0, 1]);
    attempts
}

/// What each kernel call brings that reaches out: its name, and the error's number or 0.
#[multicore::task]
pub fn reach_out() -> Vec<(String, i32)> {
    let tried =
        |attempt: Attempt| (attempt.name.to_owned(), wild::kernel_call(attempt.number, attempt.arguments));
    attempts().into_iter().map(tried).collect()
}

/// Which new processes see the worker's own calls: older ways for those that a filter cannot look into.
#[multicore::task]
pub fn calls_with_an_older_way() -> Vec<i32> {
    [libc::SYS_clone3, libc::SYS_openat2, libc::SYS_close_range]
        .map(|number| wild::kernel_call(number, [u64::MAX, 0, 0, 0, 0, 0]))
        .into()
}

fn number(error: io::Error) -> i32 {
    error.raw_os_error().unwrap_or(0)
}

/// A file's content, or the error's number.
#[multicore::task]
pub fn read(path: &str) -> Result<Vec<u8>, i32> {
    fs::read(path).map_err(number)
}

/// A folder's files, or the error's number.
#[multicore::task]
pub fn list(path: &str) -> Result<usize, i32> {
    fs::read_dir(path).map(Iterator::count).map_err(number)
}

/// Each way to change something in a folder that has a file `file`: the error's numbers, 0 for done.
#[multicore::task]
pub fn change(folder: &str) -> Vec<(String, i32)> {
    let (file, new) = (format!("{folder}/file"), format!("{folder}/new"));
    let done = |name: &str, result: io::Result<()>| (name.to_owned(), result.map_or_else(number, |()| 0));
    let append = || fs::File::options().append(true).open(&file).map(drop);
    vec![
        done("make", fs::write(&new, "new")),
        done("write", fs::write(&file, "changed")),
        done("append", append()),
        done("rename", fs::rename(&file, &new)),
        done("link", fs::hard_link(&file, &new)),
        done("symlink", std::os::unix::fs::symlink(&file, &new)),
        done("remove", fs::remove_file(&file)),
        done("make a folder", fs::create_dir(&new)),
        done("remove a folder", fs::remove_dir(folder)),
    ]
}

/// The environment.
#[multicore::task]
pub fn environment() -> Vec<(String, String)> {
    let mut variables: Vec<_> = std::env::vars().collect();
    variables.sort();
    variables
}

/// What computing needs: threads, time, sleep, random numbers, memory in every size, printing to nowhere.
#[multicore::task]
pub fn compute(n: u64) -> u64 {
    use std::collections::HashMap;
    use std::time::{Duration, Instant, SystemTime};
    let start = Instant::now();
    let threads: Vec<_> = (0..4).map(|part| std::thread::spawn(move || n * part)).collect();
    let sum: u64 = threads.into_iter().map(|thread| thread.join().unwrap()).sum();
    std::thread::sleep(Duration::from_millis(1));
    assert!(start.elapsed() >= Duration::from_millis(1) && SystemTime::now() > SystemTime::UNIX_EPOCH);
    let random: HashMap<u64, u64> = (0..1000).map(|key| (key, key)).collect();
    let large = vec![1u8; 200 << 20];
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::scope(|scope| {
        scope
            .spawn(move || sender.send(large.iter().step_by(4096).map(|byte| u64::from(*byte)).sum::<u64>()));
    });
    let cores = std::thread::available_parallelism().map_or(0, |cores| cores.get()) as u64;
    assert!(cores > 0 && !std::io::IsTerminal::is_terminal(&std::io::stdin()));
    sum + random.len() as u64 + receiver.recv().unwrap()
}

/// How often the text stood in this worker's memory when it started, where a variable named it, backwards.
static FOUND: OnceLock<usize> = OnceLock::new();

/// What the start function found.
#[multicore::task]
pub fn found_at_start() -> Option<usize> {
    FOUND.get().copied()
}

/// Looks through all that this process could change: what it inherited from its supervisor.
#[multicore::worker_start]
fn look_through_memory() -> io::Result<()> {
    let Ok(backwards) = std::env::var("MULTICORE_TEST_LOOK_FOR") else { return Ok(()) };
    let memory = fs::File::open("/proc/self/mem")?;
    let mut count = 0;
    for line in fs::read_to_string("/proc/self/maps")?.lines() {
        let Some((range, rest)) = line.split_once(' ') else { continue };
        let Some((start, end)) = range.split_once('-') else { continue };
        if !rest.starts_with("rw") || rest.contains("memfd:") {
            continue;
        }
        let [start, end] = [start, end].map(|text| u64::from_str_radix(text, 16).unwrap_or(0));
        let mut page = [0; 4096];
        for at in (start..end).step_by(page.len()) {
            // Guard pages cannot be read.
            if memory.read_exact_at(&mut page, at).is_ok() {
                let reversed =
                    page.windows(backwards.len()).filter(|bytes| bytes.iter().rev().eq(backwards.as_bytes()));
                count += reversed.count();
            }
        }
        page.fill(0);
        std::hint::black_box(&page);
    }
    let _ = FOUND.set(count);
    Ok(())
}
