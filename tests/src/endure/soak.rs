//! Minutes of calls of every size, with recycling, deaths, deadlines and cancels: the memory of client and
//! supervisor stays what it is.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use multicore::{Error, Handle, Pool};

use super::dying;
use super::found::{self, Found, outcome};
use super::plan::Plan;
use super::{METHODS, Verdict, part};
use crate::belongings::Belongings;
use crate::fixture::Folder;
use crate::parts;
use crate::payload::{self, Random};
use crate::procfs;
use crate::rig::Rig;
use crate::tasks;
use crate::watch::within;

const THREADS: u64 = 2;
/// A worker is replaced after so many calls,
const CALLS: u64 = 200;
/// or when it has so much memory after one.
const MEMORY: u64 = 24 << 20;
/// One call in a hundred leaves so much with its worker.
const LEAK: usize = 4 << 20;
/// How many times memory is looked at.
const SAMPLES: u32 = 200;
/// Of these the first tenth is not counted: until then not every window has been used at every size.
const WARM: usize = SAMPLES as usize / 10;
/// Growth from the first quarter to the last that is none: the allocator's own moods, in KiB and as a share.
const GROWTH: (f64, f64) = (1024.0, 0.02);

/// The allocator gives each large block back at once. By itself it keeps one of 4 MiB at some moment or other, once
/// and for all, which in a short run may be after the first quarter.
const GIVES_BACK: &str = "glibc.malloc.mmap_threshold=131072:glibc.malloc.trim_threshold=131072";

/// What a thread did.
#[derive(Clone, Copy, Default)]
struct Done {
    calls: u64,
    deaths: u64,
    deadlines: u64,
    cancels: u64,
    panics: u64,
    leaks: u64,
    wrong: u64,
}

impl Done {
    /// Makes one call, and sees that it ends as it should.
    fn call(&mut self, pool: &Pool, random: &mut Random) {
        self.calls += 1;
        let spawn = |call| pool.spawn(call).expect("a slot");
        let ended = |outcome: multicore::Result<u64>| outcome.expect_err("it has no result");
        let (count, right) = match random.below(2000) {
            0..2 => {
                (&mut self.deaths, matches!(ended(spawn(tasks::leave::call(3)).get()), Error::Died { .. }))
            }
            2..4 => {
                let call = tasks::nap::call(600_000).timeout(Duration::from_millis(3));
                (&mut self.deadlines, matches!(ended(spawn(call).get()), Error::TimedOut { .. }))
            }
            4..6 => {
                let handle = spawn(tasks::nap::call(600_000));
                handle.cancel();
                (&mut self.cancels, matches!(ended(handle.get()), Error::Cancelled { .. }))
            }
            6..12 => {
                let panicked = ended(spawn(tasks::panic_literal::call()).get());
                (&mut self.panics, matches!(panicked, Error::Panicked { .. }))
            }
            12..20 => return drop(spawn(tasks::square::call(7))),
            20..40 => {
                let leaked = pool.spawn(dying::leak::call(LEAK)).and_then(Handle::get);
                (&mut self.leaks, leaked.is_ok())
            }
            _ => return self.exchange(pool, random),
        };
        *count += 1;
        self.wrong += u64::from(!right);
    }

    /// Bytes there and others back.
    fn exchange(&mut self, pool: &Pool, random: &mut Random) {
        let (argument, result) = (random.number(), random.number());
        let [sent, wanted] = [(); 2].map(|()| random.size(payload::MOST as u64));
        let call = tasks::exchange::call(argument, payload::bytes(argument, sent), result, wanted);
        match pool.spawn(call).and_then(Handle::get) {
            Ok(bytes) => payload::check(&bytes, result, wanted),
            Err(_) => self.wrong += 1,
        }
    }

    fn and(self, other: Done) -> Done {
        Done {
            calls: self.calls + other.calls,
            deaths: self.deaths + other.deaths,
            deadlines: self.deadlines + other.deadlines,
            cancels: self.cancels + other.cancels,
            panics: self.panics + other.panics,
            leaks: self.leaks + other.leaks,
            wrong: self.wrong + other.wrong,
        }
    }
}

/// Resident memory over time, in KiB.
struct Curve(Vec<f64>);

impl Curve {
    fn median(part: &[f64]) -> f64 {
        let mut sorted = part.to_vec();
        sorted.sort_by(f64::total_cmp);
        sorted[sorted.len() / 2]
    }

    /// The medians of the first quarter and of the last, and the slope of the line through all.
    fn tell(&self, name: &str, seconds: f64, found: &mut Found) {
        let warm = &self.0[WARM..];
        let quarter = warm.len() / 4;
        found.add(&format!("{name}, first quarter, KiB"), Curve::median(&warm[..quarter]));
        found.add(&format!("{name}, last quarter, KiB"), Curve::median(&warm[warm.len() - quarter..]));
        let hours = |sample: usize| sample as f64 * seconds / f64::from(SAMPLES) / 3600.0;
        let (x, y) = (hours(warm.len() - 1) / 2.0, warm.iter().sum::<f64>() / warm.len() as f64);
        let points = warm.iter().enumerate().map(|(sample, &memory)| (hours(sample) - x, memory - y));
        let (rise, run) = points.fold((0.0, 0.0), |(rise, run), (x, y)| (rise + x * y, run + x * x));
        found.add(&format!("{name}, slope, KiB an hour"), rise / run);
    }
}

/// The part: calls for so many seconds.
///
/// # Panics
/// When the pool is not what it was afterwards, or its supervisor is another one.
pub fn play(method: &str, seconds: &str, seed: &str) {
    let (seconds, seed): (u32, u64) = (seconds.parse().expect("a number"), seed.parse().expect("a number"));
    parts::start(method);
    Rig::new(1).end();
    let before = Belongings::now();
    let folder = Folder::new();
    let hooks = folder.file("exits");
    // So little that windows are as large as they get in the first quarter.
    let config = Pool::builder().workers(2).slots(8).max_calls(CALLS).max_memory(MEMORY).warm_memory(4 << 20);
    let rig = Rig::with(config.env("MULTICORE_TEST_EXIT_HOOK", &hooks));
    // What stays warm is all there from the start.
    let largest =
        |seed| tasks::exchange::call(seed, payload::bytes(seed, payload::MOST), seed, payload::MOST);
    for _ in 0..3 {
        let handles: Vec<_> = (0..8).map(|seed| rig.pool.spawn(largest(seed)).expect("a slot")).collect();
        handles.into_iter().for_each(|handle| drop(handle.get().expect("a result")));
    }
    let supervisor = rig.supervisor();
    let over = AtomicBool::new(false);
    let client = |thread| {
        let (mut done, mut random) = (Done::default(), Random::new(seed.wrapping_add(thread)));
        while !over.load(Relaxed) {
            done.call(&rig.pool, &mut random);
        }
        done
    };
    let (mut own, mut its) = (Curve(Vec::new()), Curve(Vec::new()));
    let start = Instant::now();
    let done = thread::scope(|scope| {
        let client = &client;
        let clients: Vec<_> = (0..THREADS).map(|thread| scope.spawn(move || client(thread))).collect();
        for sample in 1..=SAMPLES {
            let due = Duration::from_secs(seconds.into()) * sample / SAMPLES;
            thread::sleep(due.saturating_sub(start.elapsed()));
            own.0.push(procfs::resident(std::process::id() as i32) as f64);
            its.0.push(procfs::resident(supervisor.pid) as f64);
        }
        over.store(true, Relaxed);
        clients.into_iter().map(|client| client.join().expect("a client")).fold(Done::default(), Done::and)
    });
    assert_eq!(rig.supervisor().started, supervisor.started, "the supervisor is still the same");
    rig.end();
    tell(done, seconds, recycled(&hooks), &own, &its);
    drop(folder);
    assert_eq!(Belongings::now(), before);
}

/// How many workers ran their exit hooks; the last two when the pool ended.
fn recycled(hooks: &str) -> u64 {
    let lines = std::fs::read_to_string(hooks).unwrap_or_default().lines().count();
    (lines as u64).saturating_sub(2)
}

fn tell(done: Done, seconds: u32, recycled: u64, own: &Curve, its: &Curve) {
    let mut found = Found::default();
    let counts = [
        ("seconds", u64::from(seconds)),
        ("calls", done.calls),
        ("workers recycled", recycled),
        ("deaths", done.deaths),
        ("deadlines", done.deadlines),
        ("cancels", done.cancels),
        ("panics", done.panics),
        ("leaks", done.leaks),
        ("wrong", done.wrong),
    ];
    counts.into_iter().for_each(|(name, count)| found.count(name, count));
    own.tell("client", seconds.into(), &mut found);
    its.tell("supervisor", seconds.into(), &mut found);
    found.tell();
}

pub(super) fn run(plan: &Plan, verdict: &mut Verdict) {
    let [seconds, seed] = [plan.seconds, plan.seed].map(|number| number.to_string());
    // Both at once: they share the time.
    let start = |method| part(method, "soak", &[&seconds, &seed]).env("GLIBC_TUNABLES", GIVES_BACK).start();
    let running = METHODS.map(|method| (method, start(method)));
    let found = within(plan.seconds + 120, || {
        running.map(|(method, running)| (method, Found::heard(&outcome(running.wait()))))
    });
    for (method, found) in &found {
        verdict.must(found.get("wrong") == 0.0, || {
            format!("{} calls went wrong, by {method}", found.get("wrong"))
        });
        for name in ["client", "supervisor"] {
            let first = found.get(&format!("{name}, first quarter, KiB"));
            let last = found.get(&format!("{name}, last quarter, KiB"));
            let most = first + GROWTH.0 + first * GROWTH.1;
            verdict.must(last <= most, || {
                format!("the {name}'s memory grows from {first} to {last} KiB, by {method}")
            });
        }
    }
    println!(
        "resident memory, the shared windows included; flat: at most 1 MiB and 2 % above the first quarter"
    );
    print!("{}", found::sheet(&found));
}
