//! Kernel calls that fail: a typed error or a fall-back each time, the pool as good as it can be, and
//! nothing left behind.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::SeqCst;

use multicore_tests::fixture::{Fixture, METHODS, Running};
use multicore_tests::procfs;
use multicore_tests::watch::{LONG, within};
use multicore_tests::wild::refusal::{self, Asked};

const CLIENT: &str = env!("CARGO_BIN_EXE_client");

/// What is refused, and with which error.
struct Refusal {
    calls: &'static [i64],
    errno: i32,
    which: fn(&Asked) -> bool,
}

/// A program's steps, each with what became of it.
type Told = Vec<(String, String)>;

/// The client plays this part under each method. The kernel refuses from the beginning or once a pool
/// lives, and until the client has told what it saw of that.
fn played(part: &str, refusal: &Refusal, check: impl Fn(&str, &Told) + Sync) {
    // Side by side: most of it is waiting.
    std::thread::scope(|scope| {
        for method in METHODS {
            let check = &check;
            scope.spawn(move || played_by(method, part, refusal, check));
        }
    });
}

fn played_by(method: &str, part: &str, refusal: &Refusal, check: &dyn Fn(&str, &Told)) {
    within(LONG, || {
        let list: Vec<String> = refusal.calls.iter().map(i64::to_string).collect();
        let mut client = Fixture::new(CLIENT, &[method, part, &list.join(",")]).start();
        let Some(listener) = listener(&mut client) else { return };
        let refused = AtomicBool::new(part == FROM_THE_START);
        let decide =
            |asked: Asked| (refused.load(SeqCst) && (refusal.which)(&asked)).then_some(refusal.errno);
        std::thread::scope(|scope| {
            scope.spawn(|| refusal::answer(&listener, decide));
            client.go_on();
            if part != FROM_THE_START {
                assert_eq!(client.line(), "alive");
                refused.store(true, SeqCst);
                client.go_on();
            }
            let steps = std::iter::from_fn(|| Some(client.line()).filter(|line| line != "refused"));
            check(method, &steps.map(|line| step(&line)).collect());
            refused.store(false, SeqCst);
            client.go_on();
            let after = client.wait().output();
            assert!(after.contains("another: ok\n") && after.ends_with("nothing left\n"), "{after}");
        });
    });
}

const FROM_THE_START: &str = "refused-from-the-start";
const LATER: &str = "refused-later";
const SHARED: &str = "refused-shared";

/// Where the client asks; `None`, and loudly, where this kernel has no such questions.
fn listener(client: &mut Running) -> Option<std::os::fd::OwnedFd> {
    let line = client.line();
    match line.parse() {
        Ok(number) => Some(refusal::listener_of(client.pid(), number).expect("the client's listener")),
        Err(_) => {
            assert!(std::env::var_os("CI").is_none(), "{line}");
            eprintln!("not shown: {line}");
            None
        }
    }
}

fn step(line: &str) -> (String, String) {
    let (step, outcome) = line.split_once(": ").expect("a step and its outcome");
    (step.to_owned(), outcome.to_owned())
}

#[track_caller]
fn check_steps(method: &str, told: &Told, expected: &[(&str, &str)]) {
    let fits = told.len() == expected.len()
        && told
            .iter()
            .zip(expected)
            .all(|(told, expected)| told.0 == expected.0 && told.1.starts_with(expected.1));
    assert!(fits, "{method}:\n{told:#?}\nexpected: {expected:#?}");
}

/// No pool can be made; a pool that lives goes on, deaths of workers and deadlines included, but not
/// without a supervisor.
fn stops_supervisors(refusal: &Refusal, errors: [&str; 2]) {
    played(FROM_THE_START, refusal, |method, told| {
        let error = errors[usize::from(method == "fork")];
        let begun = if method == "fork" { error } else { "ok" };
        check_steps(method, told, &[("initialize", begun), ("build", error)]);
    });
    played(LATER, refusal, |method, told| {
        let error = errors[usize::from(method == "fork")];
        let steps = [
            ("call", "ok"),
            ("death", "Died"),
            ("death", "Died"),
            ("bereft", "ok"),
            ("deadline", "TimedOut"),
            ("orphaned", "RestartLimit"),
            ("build", error),
        ];
        check_steps(method, told, &steps);
        let cause = error.split_once(' ').expect("a kind and a text").1;
        assert!(told[5].1.contains(&format!("10 times in a row; the last cause: {cause}")), "{told:#?}");
    });
}

/// Nobody notices.
fn stops_nothing(refusal: &Refusal) {
    played(FROM_THE_START, refusal, |method, told| {
        check_steps(method, told, &[("initialize", "ok"), ("build", "ok"), ("call", "ok")]);
    });
    played(LATER, refusal, |method, told| {
        let steps = [
            ("call", "ok"),
            ("death", "Died"),
            ("death", "Died"),
            ("bereft", "ok"),
            ("deadline", "TimedOut"),
            ("orphaned", "ok"),
            ("build", "ok"),
        ];
        check_steps(method, told, &steps);
    });
}

fn any(_: &Asked) -> bool {
    true
}

fn shared(asked: &Asked) -> bool {
    asked.arguments[3] as i32 & libc::MAP_SHARED != 0
}

fn in_supervisor(asked: &Asked) -> bool {
    named(asked, ": super")
}

fn in_worker(asked: &Asked) -> bool {
    named(asked, ": work")
}

fn named(asked: &Asked, part: &str) -> bool {
    procfs::stat(asked.thread).is_some_and(|stat| stat.name.contains(part))
}

macro_rules! stops_supervisors {
    ($($name:ident: $call:ident($errno:ident) $which:ident, $errors:expr;)*) => {$(
        #[test]
        fn $name() {
            let refusal = Refusal { calls: &[libc::$call], errno: libc::$errno, which: $which };
            stops_supervisors(&refusal, $errors);
        }
    )*};
}

// Exec and fork.
stops_supervisors! {
    memfd_create: SYS_memfd_create(EMFILE) any, ["Os memfd_create failed"; 2];
    mmap_of_shared_memory: SYS_mmap(ENOMEM) shared, ["Os mmap failed"; 2];
    mmap_in_a_supervisor: SYS_mmap(ENOMEM) shared_in_supervisor, ["Os mmap failed"; 2];
    pidfd_open: SYS_pidfd_open(ENOSYS) any, ["Os pidfd_open failed"; 2];
    ftruncate: SYS_ftruncate(ENOSPC) any, ["Os ftruncate failed"; 2];
    eventfd: SYS_eventfd2(EMFILE) any, ["Os eventfd failed"; 2];
    socketpair: SYS_socketpair(EMFILE) any, ["Os socketpair failed"; 2];
    sendmsg: SYS_sendmsg(ENOBUFS) any, ["Os sendmsg failed"; 2];
    sendmsg_in_a_supervisor: SYS_sendmsg(ENOBUFS) in_supervisor, ["Os sendmsg failed"; 2];
    madvise: SYS_madvise(EINVAL) any, ["Os madvise(MADV_DONTDUMP) failed"; 2];
    becoming_a_subreaper: SYS_prctl(EPERM) subreaper, ["Os prctl(PR_SET_CHILD_SUBREAPER) failed"; 2];
}

fn shared_in_supervisor(asked: &Asked) -> bool {
    shared(asked) && in_supervisor(asked)
}

fn subreaper(asked: &Asked) -> bool {
    asked.arguments[0] == libc::PR_SET_CHILD_SUBREAPER as u64
}

#[test]
fn close_range() {
    stops_nothing(&Refusal { calls: &[libc::SYS_close_range], errno: libc::ENOSYS, which: any });
}

/// Whoever would sleep looks again every millisecond. Waking is not refused: those who slept before would
/// never know.
#[test]
fn futex_wait() {
    let wait = |asked: &Asked| asked.arguments[1] as i32 & libc::FUTEX_CMD_MASK == libc::FUTEX_WAIT;
    stops_nothing(&Refusal { calls: &[libc::SYS_futex], errno: libc::ENOMEM, which: wait });
}

const FORKS: &[i64] = &[libc::SYS_clone, libc::SYS_clone3, libc::SYS_fork, libc::SYS_vfork];

/// Without workers the pool gives up, and says why.
#[test]
fn fork() {
    let refusal = Refusal { calls: FORKS, errno: libc::EAGAIN, which: any };
    let errors = ["Os posix_spawn failed", "Os fork failed"];
    played(FROM_THE_START, &refusal, |method, told| {
        let error = errors[usize::from(method == "fork")];
        let begun = if method == "fork" { error } else { "ok" };
        check_steps(method, told, &[("initialize", begun), ("build", error)]);
    });
    played(LATER, &refusal, |method, told| {
        let steps = [
            ("call", "ok"),
            ("death", "Died"),
            ("death", "Died"),
            ("bereft", "RestartLimit"),
            ("deadline", "RestartLimit"),
            ("orphaned", "RestartLimit"),
            ("build", errors[usize::from(method == "fork")]),
        ];
        check_steps(method, told, &steps);
        assert!(told[3].1.contains("fork failed") && told[3].1.contains("ulimit -u"), "{told:#?}");
    });
}

/// As [`fork`], from the pool's first worker on.
#[test]
fn fork_in_a_supervisor() {
    let refusal = Refusal { calls: FORKS, errno: libc::EAGAIN, which: in_supervisor };
    played(FROM_THE_START, &refusal, |method, told| {
        let steps = [("initialize", "ok"), ("build", "ok"), ("call", "RestartLimit")];
        check_steps(method, told, &steps);
        assert!(told[2].1.contains("fork failed") && told[2].1.contains("ulimit -u"), "{told:#?}");
    });
}

/// Each call that needs more memory says so, and the pool works again once there is some.
#[test]
fn fallocate() {
    let refusal = Refusal { calls: &[libc::SYS_fallocate], errno: libc::ENOSPC, which: any };
    let error = "Os fallocate failed";
    played(FROM_THE_START, &refusal, |method, told| {
        let begun = if method == "fork" { error } else { "ok" };
        check_steps(method, told, &[("initialize", begun), ("build", error)]);
    });
    played(LATER, &refusal, |method, told| {
        // What became of a call is short, and needs none.
        let (died, late) = ("Died", "TimedOut");
        let steps = ["call", "death", "death", "bereft", "deadline", "orphaned", "build"];
        let ends = [error, died, died, error, late, error, error];
        let expected: Vec<_> = steps.into_iter().zip(ends).collect();
        check_steps(method, told, &expected);
    });
}

/// A long payload is copied where the kernel does not write it.
#[test]
fn writing_to_windows() {
    let which = |asked: &Asked| asked.arguments[2] > 4096;
    let refusal = Refusal { calls: &[libc::SYS_pwrite64], errno: libc::ENOSPC, which };
    played(FROM_THE_START, &refusal, |method, told| {
        check_steps(method, told, &["initialize", "build", "call"].map(|step| (step, "ok")));
    });
}

/// The result, or the report that there is none, finds no room.
#[test]
fn fallocate_in_a_worker() {
    let refusal = Refusal { calls: &[libc::SYS_fallocate], errno: libc::ENOSPC, which: in_worker };
    played(FROM_THE_START, &refusal, |method, told| {
        let steps = [("initialize", "ok"), ("build", "ok"), ("call", "Os fallocate failed")];
        check_steps(method, told, &steps);
    });
}

/// A worker that asks for shared data has an answer, though its descriptor cannot be passed on.
#[test]
fn sendmsg_to_a_worker_that_asks() {
    let refusal = Refusal { calls: &[libc::SYS_sendmsg], errno: libc::ETOOMANYREFS, which: in_supervisor };
    played(SHARED, &refusal, |method, told| {
        check_steps(method, told, &[("sum", "Decode")]);
        assert!(told[0].1.contains("ulimit -n"), "{told:#?}");
    });
}

/// A supervisor that cannot wait says so and leaves; the client, which cannot either, sees that it did.
///
/// So does a template, and then there are no more pools in this program: by exec only.
#[test]
fn poll() {
    let refusal = Refusal { calls: &[libc::SYS_poll, libc::SYS_ppoll], errno: libc::ENOMEM, which: any };
    played_by("exec", FROM_THE_START, &refusal, &|method, told| {
        check_steps(method, told, &[("initialize", "ok"), ("build", "Os supervisor failed")]);
    });
    played_by("exec", LATER, &refusal, &|method, told| {
        // What it had in hand when it found out is still done.
        let known = ["ok", "Died", "TimedOut", "Os poll failed"];
        let all_known = told[..5].iter().all(|(_, end)| known.iter().any(|known| end.starts_with(known)));
        assert!(all_known, "{told:#?}");
        let last = told[5..].to_vec();
        check_steps(method, &last, &[("orphaned", "Os poll failed"), ("build", "Os supervisor failed")]);
    });
}
