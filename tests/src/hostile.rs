//! Workers of bad will: tasks that write over their pool's region, one idea each.

use std::ops::Range;
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;
use std::time::{Duration, Instant};

use crate::payload::Random;
use crate::wild::region::layout::WorkerRecord;
use crate::wild::region::{self, Region};

/// What one does to the region, and how it is called.
pub type Forgery = (&'static str, fn(&Region, &mut Random));

/// The phases that there are, and as many numbers that are none.
const PHASES: u64 = 16;
const PHASE: u64 = 0xf;
const OWNER: u64 = 0x7fff << 16;
const BACKGROUND: u64 = 1 << 31;
const GENERATION: u64 = 1 << 32;
const FLAGS: u64 = 0xf0;
const TRIES: u64 = 0xf00;
const LEVEL: u64 = 0xf000;

macro_rules! forgeries {
    ($($name:ident: |$region:ident, $random:ident| $body:expr;)*) => {
        &[$((stringify!($name), |$region, $random| $body)),*]
    };
}

/// All of them. None is more than a moment's work; the task repeats it.
pub const FORGERIES: &[Forgery] = forgeries! {
    phases: |region, random| change(word(region, random), |w| w & !PHASE | random.below(PHASES));
    owners: |region, random| change(word(region, random), |w| w & !OWNER | random.below(4) << 16);
    generations: |region, random| change(word(region, random), |w| w.wrapping_add(GENERATION * random.below(3)).wrapping_sub(GENERATION));
    flags: |region, random| change(word(region, random), |w| w ^ random.number() & FLAGS);
    tries: |region, random| change(word(region, random), |w| w | TRIES);
    ranks: |region, random| change(word(region, random), |w| w ^ random.number() & (LEVEL | BACKGROUND));
    claims: |region, random| change(word(region, random), |w| w & !(PHASE | OWNER) | 3 | random.below(2) << 16);
    runs: |region, random| change(word(region, random), |w| w & !(PHASE | OWNER) | 4 | random.below(2) << 16);
    likely_runs: |region, random| likely_run(region, random);
    whole_words: |region, random| word(region, random).store(random.number(), Relaxed);
    swapped_words: |region, random| {
        let other = word(region, random).load(Relaxed);
        word(region, random).store(other, Relaxed);
    };
    results_lengths: |region, random| slot(region, random).result_len.store(length(random), Relaxed);
    arguments_lengths: |region, random| slot(region, random).arguments_len.store(length(random), Relaxed);
    outcomes: |region, random| slot(region, random).outcome.store(random.below(6) as u32, Relaxed);
    parts: |region, random| {
        let slot = slot(region, random);
        slot.result_start.store(length(random), Relaxed);
        slot.outcome.store(4, Relaxed);
    };
    tasks_and_codecs: |region, random| {
        slot(region, random).task.store(random.number(), Relaxed);
        slot(region, random).codec.store(random.below(5) as u32, Relaxed);
    };
    timeouts: |region, random| slot(region, random).timeout.store(any(random), Relaxed);
    retries: |region, random| slot(region, random).retries.store(any(random) as u32, Relaxed);
    result_pages: |region, random| slot(region, random).result_pages.store(any(random), Relaxed);
    coolings: |region, random| {
        change(word(region, random), |w| if w & PHASE == 0 { w | 1 | OWNER } else { w });
    };
    cooled: |region, random| slot(region, random).cooled.store(any(random) as u32, Relaxed);
    faults: |region, random| slot(region, random).fault.store(random.below(8) as u32, Relaxed);
    no_hints: |region, _random| sets(region).iter().for_each(|set| set.store(0, Relaxed));
    all_hints: |region, _random| sets(region).iter().for_each(|set| set.store(u64::MAX, Relaxed));
    some_hints: |region, random| sets(region).iter().for_each(|set| set.store(random.number(), Relaxed));
    cursors: |region, random| {
        region.head().claim_cursor.0.store(any(random) as u32, Relaxed);
        region.head().background_cursor.store(any(random) as u32, Relaxed);
        region.head().ranked.store(any(random) as u32, Relaxed);
    };
    accounts: |region, random| {
        let geometry = region.geometry();
        let accounts = region.words(geometry.account(0)..geometry.account(geometry.slots));
        accounts[random.below(accounts.len() as u64) as usize].store(any(random), Relaxed);
    };
    steps: |region, random| {
        let of = (random.below(9) << 32) | random.below(9);
        let steps = &region.worker(random.below(region.geometry().workers as u64) as usize).steps;
        steps.numbers.write([of, any(random), any(random), any(random)]);
    };
    draining: |region, _random| region.head().draining.store(1, Relaxed);
    alarms: |region, random| region.head().next_alarm.store(any(random), Relaxed);
    sleepers: |region, random| {
        region.head().sleepers.store(any(random) as u32, Relaxed);
        region.head().dormant.store(any(random) as u32, Relaxed);
        region.head().progress.0.store(any(random) as u32, Relaxed);
        region.head().countdown.store(any(random) as i64, Relaxed);
    };
    bells: |region, random| region.head().bell.0.store(any(random), Relaxed);
    records: |region, random| {
        let record = region.worker(random.below(region.geometry().workers as u64) as usize);
        let numbers = [&record.wake, &record.ready, &record.stack_overflow, &record.current, &record.asks];
        numbers[random.below(5) as usize].store(any(random) as u32, Relaxed);
        record.started.store(any(random), Relaxed);
        record.calls.store(any(random), Relaxed);
        record.hand_word.store(any(random) as u32, Relaxed);
        record.hand.store(any(random), Relaxed);
        record.core.store(any(random) as u32, Relaxed);
    };
    tallies: |region, random| noise(region, region.geometry().tally(0)..region.geometry().state(0), random);
    verdicts: |region, random| {
        slot(region, random).verdict.store(any(random) as u32, Relaxed);
        slot(region, random).published.store(any(random), Relaxed);
    };
    last_words: |region, random| {
        let geometry = region.geometry();
        let start = geometry.worker(random.below(geometry.workers as u64) as usize);
        let words = std::mem::offset_of!(WorkerRecord, words);
        noise(region, start + words..start + size_of::<WorkerRecord>(), random);
    };
    random_words: |region, random| {
        let control = region.words(0..region.geometry().control());
        control[random.below(control.len() as u64) as usize].store(any(random), Relaxed);
    };
    random_bytes: |region, random| {
        let control = region.bytes(0..region.geometry().control());
        control[random.below(control.len() as u64) as usize].store(random.number() as u8, Relaxed);
    };
    all_random: |region, random| noise(region, 0..region.geometry().control(), random);
    all_zero: |region, _random| {
        region.words(0..region.geometry().control()).iter().for_each(|word| word.store(0, Relaxed));
    };
    holes: |region, random| {
        let pages = region.geometry().total().unwrap_or_default() as u64 / 4096;
        let first = random.below(pages) as usize;
        region.punch(first * 4096..(first + 1 + random.below(8) as usize).min(pages as usize) * 4096);
    };
    no_control: |region, _random| region.punch(0..region.geometry().control());
    garbage_in_windows: |region, random| {
        let geometry = region.geometry();
        let start = geometry.arguments_window(random.below(geometry.slots as u64) as usize);
        let start = start + [0, geometry.window_bytes()][random.below(2) as usize];
        noise(region, start..start + 256, random);
    };
    wakes: |region, _random| {
        for _ in 0..50 {
            (0..region.geometry().slots).for_each(|slot| region::wake_state(region.state(slot)));
            (0..region.geometry().workers).for_each(|worker| region::wake(&region.worker(worker).wake));
            region::wake(&region.head().progress.0);
        }
    };
};

/// Does one of [`FORGERIES`] again and again, for so many milliseconds; then gives back what it was asked,
/// or dies.
#[multicore::task]
pub fn forge(numbers: (usize, usize, usize), which: usize, seed: u64, milliseconds: u64, dies: bool) -> u64 {
    let (slots, workers, window) = numbers;
    let region = Region::find(slots, workers, window);
    let mut random = Random::new(seed);
    let end = Instant::now() + Duration::from_millis(milliseconds);
    let (_, forgery) = FORGERIES[which];
    loop {
        forgery(&region, &mut random);
        if Instant::now() >= end {
            break;
        }
        thread::sleep(Duration::from_micros(random.below(300)));
    }
    if dies {
        std::process::abort();
    }
    seed
}

fn slot<'r>(region: &'r Region, random: &mut Random) -> &'r region::layout::SlotHeader {
    region.slot(random.below(region.geometry().slots as u64) as usize)
}

fn word<'r>(region: &'r Region, random: &mut Random) -> &'r AtomicU64 {
    region.state(random.below(region.geometry().slots as u64) as usize)
}

fn change(word: &AtomicU64, mut new: impl FnMut(u64) -> u64) {
    word.store(new(word.load(Relaxed)), Relaxed);
}

/// A call that one waits for seems to run, and its worker to run it.
fn likely_run(region: &Region, random: &mut Random) {
    let geometry = region.geometry();
    let (slot, worker) = (random.below(geometry.slots as u64), random.below(geometry.workers as u64));
    let word = region.state(slot as usize);
    if word.load(Relaxed) & PHASE == 2 {
        change(word, |w| w & !(PHASE | OWNER) | 4 | worker << 16);
        region.worker(worker as usize).current.store(slot as u32 + 1, Relaxed);
    }
}

/// The sets of hints.
fn sets(region: &Region) -> &[AtomicU64] {
    region.words(region.geometry().ready_set()..region.geometry().worker(0))
}

/// Small, near the end of a window, or far too large.
fn length(random: &mut Random) -> u64 {
    match random.below(4) {
        0 => random.below(64),
        1 => 65_536 + random.below(3) - 1,
        2 => random.number(),
        _ => u64::MAX - random.below(20),
    }
}

/// Small, as large as can be, or anything.
fn any(random: &mut Random) -> u64 {
    match random.below(4) {
        0 => random.below(4),
        1 => u64::MAX - random.below(4),
        _ => random.number(),
    }
}

fn noise(region: &Region, part: Range<usize>, random: &mut Random) {
    region.words(part).iter().for_each(|word| word.store(random.number(), Relaxed));
}
