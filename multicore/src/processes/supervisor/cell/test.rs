//! A private region whose worker means harm.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

use super::{Cell, Look, Unfit};
use crate::processes::map;
use crate::shm::layout::{Geometry, Outcome, WorkerRecord};
use crate::shm::region::Region;
use crate::shm::window::WindowWriter;
use crate::shm::word::Word;

const WINDOW: usize = 64 << 10;

/// A cell, the worker's own mapping of it, and a region that the call comes from.
struct Rig {
    cell: Cell,
    worker: Region,
    pool: Region,
}

impl Rig {
    fn new() -> Rig {
        let cell = Cell::new(WINDOW).unwrap();
        let worker = map::map(cell.file().clone(), cell.geometry()).unwrap();
        let (pool, _file) = map::make(Geometry { slots: 1, workers: 1, window: WINDOW }).unwrap();
        Rig { cell, worker, pool }
    }

    /// The worker wants a call.
    fn want(&self) {
        self.worker.worker(0).ready.fetch_add(1, SeqCst);
    }

    fn give(&mut self) -> Result<(), Unfit> {
        self.cell.give(0, self.pool.slot(0), b"the arguments")
    }

    /// One that has a call which it has begun.
    fn running() -> Rig {
        let mut rig = Rig::new();
        rig.want();
        assert_eq!(rig.cell.look(), Look::Idle);
        rig.give().unwrap();
        assert_eq!(rig.cell.look(), Look::Unbegun);
        assert_eq!(rig.worker.arguments(0, 13), b"the arguments");
        let state = rig.worker.slot(0).state;
        assert!(state.claim(0) && rig.cell.look() == Look::Unbegun && state.begin(0));
        assert_eq!(rig.cell.look(), Look::Running);
        rig
    }

    /// Answers with so many bytes.
    fn answer(&self, len: u64, outcome: u32) {
        let header = self.worker.slot(0);
        header.result_len.store(len, Relaxed);
        header.outcome.store(outcome, Relaxed);
        let _ = header.state.finish(0);
    }

    /// What the supervisor makes of it.
    fn take(&mut self) -> Result<(Outcome, usize), Unfit> {
        let mut bytes = Vec::new();
        let mut out = WindowWriter::new(&mut bytes, WINDOW);
        let outcome = self.cell.take(&mut out)?;
        Ok((outcome, out.needed()))
    }
}

#[test]
fn a_call_goes_there_and_back() {
    let mut rig = Rig::running();
    for _ in 0..3 {
        rig.answer(7, Outcome::Value as u32);
        assert_eq!(rig.cell.look(), Look::Finished);
        assert_eq!(rig.take().unwrap(), (Outcome::Value, 7));
        assert_eq!(rig.cell.look(), Look::Away, "it may leave, or want another one");
        rig.want();
        assert_eq!(rig.cell.look(), Look::Idle);
        rig.give().unwrap();
        let state = rig.worker.slot(0).state;
        assert!(state.claim(0) && state.begin(0));
    }
}

#[test]
fn a_forged_length_or_outcome_spoils_the_cell() {
    for (len, outcome) in
        [(WINDOW as u64 + 1, 1), (u64::MAX, 1), (u64::MAX, 2), (7, 0), (7, 4), (7, u32::MAX)]
    {
        let mut rig = Rig::running();
        rig.answer(len, outcome);
        assert!(matches!(rig.take(), Err(Unfit::Spoilt)), "{len} {outcome}");
    }
}

#[test]
fn memory_that_a_worker_did_not_get_is_told_as_such() {
    for (said, errno) in [(u64::from(28u32), 28), (u64::MAX, libc::ENOMEM)] {
        let mut rig = Rig::running();
        rig.answer(said, Outcome::NoMemory as u32);
        assert!(matches!(rig.take(), Err(Unfit::Os(error)) if error.raw_os_error() == Some(errno)));
        assert_eq!(rig.cell.look(), Look::Away, "it goes on");
    }
}

#[test]
fn a_result_without_pages_reads_as_zeroes_and_gets_none() {
    let mut rig = Rig::running();
    let blocks = |rig: &Rig| nix::sys::stat::fstat(rig.cell.file()).unwrap().st_blocks;
    let before = blocks(&rig);
    rig.answer(WINDOW as u64, Outcome::Value as u32);
    assert_eq!(rig.take().unwrap(), (Outcome::Value, WINDOW));
    assert_eq!(blocks(&rig), before);
}

#[test]
fn a_forged_word_spoils_the_cell() {
    let rig = Rig::running();
    let word = rig.worker.slot(0).state;
    let own = word.load(SeqCst);
    for forged in
        [0, own ^ 1 << 32, own & !0xf, own & !0xf | 1, own & !0xf | 6, own & !0xf | 7, own | 0xf, u64::MAX]
    {
        word.store(forged, SeqCst);
        assert_eq!(rig.cell.look(), Look::Spoilt, "{forged:#x}");
    }
    word.store(own, SeqCst);
    assert_eq!(rig.cell.look(), Look::Running);
}

#[test]
fn a_worker_that_wants_more_than_one_call_is_not_believed() {
    let mut rig = Rig::new();
    for wants in [2, 100, u32::MAX] {
        rig.worker.worker(0).ready.store(wants, SeqCst);
        assert_eq!(rig.cell.look(), Look::Spoilt, "{wants}");
    }
    rig.worker.worker(0).ready.store(1, SeqCst);
    rig.worker.slot(0).state.store(5, SeqCst);
    assert!(matches!(rig.give(), Err(Unfit::Spoilt)));
}

#[test]
fn a_call_that_is_not_begun_can_be_withdrawn() {
    let mut rig = Rig::new();
    rig.want();
    for claimed in [false, true, false, true] {
        rig.give().unwrap();
        let state = rig.worker.slot(0).state.state();
        assert!(!claimed || rig.worker.slot(0).state.claim(0), "{state:?}");
        assert!(rig.cell.withdraw());
        assert!(!rig.worker.slot(0).state.begin(0), "the worker finds it gone");
        assert_eq!(rig.cell.look(), Look::Idle, "and it still wants one");
    }
    let mut rig = Rig::running();
    assert!(!rig.cell.withdraw());
    rig.answer(7, Outcome::Value as u32);
    assert!(!rig.cell.withdraw() && rig.take().is_ok());
}

#[test]
fn what_a_worker_says_is_in_the_pools_record() {
    let mut rig = Rig::running();
    let theirs = rig.worker.worker(0);
    theirs.breadcrumb.set("page 12");
    theirs.words.set("the end");
    theirs.asks.store(1, SeqCst);
    let record = rig.pool.worker(0);
    rig.cell.mirror(record);
    let said = |record: &WorkerRecord| (record.breadcrumb.get(), record.words.get());
    assert_eq!(said(record), (Some("page 12".to_owned()), Some("the end".to_owned())));
    theirs.breadcrumb.set("page 13");
    theirs.breadcrumb.set("page 14");
    theirs.words.clear();
    rig.cell.mirror(record);
    assert_eq!(said(record), (Some("page 14".to_owned()), None));
}

/// Whatever stands there, at any moment.
#[test]
fn no_scribble_makes_the_supervisor_stumble() {
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for _ in 0..300 {
        let mut rig = Rig::new();
        rig.want();
        for _ in 0..50 {
            let header = rig.worker.slot(0);
            let record = rig.worker.worker(0);
            let words: [&AtomicU64; 6] = [
                header.state,
                &header.result_len,
                &header.result_pages,
                &header.arguments_len,
                &header.task,
                &record.calls,
            ];
            let value = if random() % 2 == 0 { random() } else { (1 << 32) | (random() % 256) };
            words[(random() % 6) as usize].store(value, SeqCst);
            record.ready.store((random() % 4) as u32, SeqCst);
            header.outcome.store((random() % 5) as u32, SeqCst);
            match random() % 5 {
                0 => drop(rig.give()),
                1 => drop(rig.take()),
                2 => rig.cell.expire(),
                3 => rig.cell.mirror(rig.pool.worker(0)),
                _ => rig.cell.dismiss(),
            }
            let _ = rig.cell.look();
        }
    }
}
