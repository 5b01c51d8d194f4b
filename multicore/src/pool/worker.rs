//! A worker: one thread that claims calls and runs them, one at a time, until it is told to leave.

use std::io::Write;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::OnceLock;
use std::sync::atomic::Ordering::{Acquire, Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU64};

use nix::unistd::Pid;

use super::clock;
use super::spin::Spin;
use crate::call::Invocation;
use crate::codec::{Codec, Failure};
use crate::panics;
use crate::registry::{HookKind, Registry, hooks};
use crate::report::Report;
use crate::shm::hint::Cursor;
use crate::shm::layout::{Outcome, SlotHeader};
use crate::shm::region::Region;
use crate::shm::window::WindowWriter;
use crate::shm::word::{Settled, Word};
use crate::sys::fault::point;
use crate::sys::{eventfd, futex, process};

static IN_WORKER: AtomicBool = AtomicBool::new(false);
/// The region and this worker's number, for the panic hook, which takes no argument.
static HERE: OnceLock<(&'static Region, usize)> = OnceLock::new();

/// Whether this process is a worker: parallel calls made here run inline.
pub(crate) fn in_worker() -> bool {
    IN_WORKER.load(Relaxed)
}

/// Exit codes of a worker that ends by itself without being asked.
pub(crate) const START_HOOK_FAILED: i32 = 81;
/// It finished a call that the supervisor was already ending it for.
pub(crate) const EXPIRED: i32 = 82;

/// Everything a worker works with.
pub(crate) struct Worker<'s> {
    pub(crate) index: usize,
    pub(crate) region: &'static Region,
    pub(crate) registry: &'static Registry,
    /// Tells the supervisor to look at the deadlines again.
    pub(crate) kick: &'s OwnedFd,
    pub(crate) supervisor: Pid,
}

impl Worker<'_> {
    /// Runs calls until the pool is drained.
    pub(crate) fn work(self) -> ! {
        IN_WORKER.store(true, Relaxed);
        let _ = HERE.set((self.region, self.index));
        panics::keep_messages(|message| {
            if let Some((region, index)) = HERE.get() {
                region.worker(*index).set_words(message);
            }
        });
        self.start();
        self.region.worker(self.index).ready.store(1, SeqCst);
        let spin = Spin::default();
        loop {
            if let Some(slot) = self.next() {
                self.run(slot);
            } else if self.region.head().draining.load(Acquire) != 0 {
                self.leave();
            } else if !spin.until(|| self.region.ready().any()) {
                self.sleep();
            }
        }
    }

    fn start(&self) {
        for hook in hooks(HookKind::Start) {
            let failed = match panics::caught(hook.run) {
                Ok(Ok(())) => continue,
                Ok(Err(why)) => why,
                Err(Report::Panicked { message, location, .. }) => {
                    format!("panicked at {}: {message}", location.unwrap_or_default())
                }
                Err(_) => "panicked".to_owned(),
            };
            let text = format!("the start hook `{}` ({}) failed: {failed}", hook.name, hook.place);
            self.region.worker(self.index).set_words(&text);
            process::flush_output();
            process::exit_now(START_HOOK_FAILED);
        }
        // A hook that changed the user took the kernel's promise away.
        if !process::die_with_parent(self.supervisor) {
            process::exit_now(0);
        }
    }

    fn leave(&self) -> ! {
        for hook in hooks(HookKind::Exit) {
            // Nobody is left to tell; the other hooks still run.
            let _ = panics::caught(hook.run);
        }
        process::flush_output();
        process::exit_now(0)
    }

    /// Claims a call, in about the order of arrival.
    #[inline]
    fn next(&self) -> Option<usize> {
        let ready = self.region.ready();
        loop {
            let slot = Cursor(&self.region.head().claim_cursor.0).take(ready)?;
            point("hint-taken");
            if self.region.slot(slot).state.claim(self.index as u16) {
                point("claimed");
                return Some(slot);
            }
        }
    }

    /// Sleeps until a publisher picks this worker out of the idle set.
    fn sleep(&self) {
        let record = self.region.worker(self.index);
        let seen = record.wake.load(SeqCst);
        let work = self.region.idle().insert_then(self.index, || {
            self.region.ready().any() || self.region.head().draining.load(SeqCst) != 0
        });
        if !work {
            // Whatever ended the sleep, the loop looks for work again.
            let _ = futex::wait(&record.wake, seen, None);
        }
        self.region.idle().remove(self.index);
    }

    fn run(&self, slot: usize) {
        let header = self.region.slot(slot);
        let record = self.region.worker(self.index);
        record.current.store(slot as u32 + 1, Relaxed);
        // A panic that an earlier call caught itself is not what this one dies of.
        record.words_len.store(0, Relaxed);
        let timeout = header.timeout.load(Relaxed);
        if timeout != 0 {
            header.started.store(clock::now(), Relaxed);
        }
        if !header.state.begin(self.index as u16) {
            return;
        }
        point("running");
        if timeout != 0 {
            self.watch(header, timeout);
        }
        self.answer(slot, header);
        point("answered");
        if header.state.state().detached() && header.retries.load(Relaxed) == 0 {
            // Nobody collects it and gives the memory back; and nobody runs it again and needs it.
            self.region.cool(slot, &AtomicU64::new(header.arguments_len.load(Relaxed)));
        }
        let settled = header.state.finish(self.index as u16);
        point("finished");
        record.current.store(0, Relaxed);
        self.tell(slot, header, settled);
    }

    /// Kicks the supervisor when this call's deadline comes before its next look.
    ///
    /// Either the supervisor announced its alarm before this load, and it is compared; or it will
    /// look at the running calls after the announcement, and find this one.
    fn watch(&self, header: &SlotHeader, timeout: u64) {
        let due = header.started.load(Relaxed).saturating_add(timeout);
        std::sync::atomic::fence(SeqCst);
        if due < self.region.head().next_alarm.load(SeqCst) {
            // A kick that fails leaves the supervisor's own alarm.
            let _ = eventfd::signal(self.kick.as_fd());
        }
    }

    /// Decodes, runs, encodes: everything that is user code.
    #[inline]
    fn answer(&self, slot: usize, header: &SlotHeader) {
        let mut store = self.region.result_store(slot);
        let mut out = WindowWriter::new(&mut store, self.region.geometry().window);
        let outcome = match self.invoke(slot, header, &mut out) {
            Ok(()) => Outcome::Value,
            Err(report) => {
                // A panic that was caught is nobody's last word.
                self.region.worker(self.index).words_len.store(0, Relaxed);
                // An empty report is read as one that does not decode.
                if report.write(&mut out).is_err() {
                    out.restart();
                }
                Outcome::Report
            }
        };
        header.result_len.store(out.needed() as u64, Relaxed);
        header.outcome.store(outcome as u32, Relaxed);
        // Text that ends without a newline would die with the worker.
        let _ = std::io::stdout().flush();
    }

    #[inline]
    fn invoke(&self, slot: usize, header: &SlotHeader, out: &mut WindowWriter<'_>) -> Result<(), Report> {
        if header.state.state().cancelled() {
            // Between claiming and beginning it; from now on the supervisor sees to it.
            return Err(Report::Cancelled);
        }
        let id = header.task.load(Relaxed);
        let entry = self.registry.find(id).ok_or(Report::UnknownTask { id })?;
        let codec = Codec::from_byte(header.codec.load(Relaxed) as u8).ok_or_else(|| {
            Report::Decode("the codec is not one that this program was built with".to_owned())
        })?;
        let len = header.arguments_len.load(Relaxed) as usize;
        if len > self.region.geometry().window {
            return Err(Report::Decode("the arguments are longer than their window".to_owned()));
        }
        let invocation = Invocation { arguments: self.region.arguments(slot, len), codec, results: out };
        let result: Result<(), Failure> = panics::caught(|| (entry.run)(invocation))?;
        result.map_err(Report::from)
    }

    /// Tells those who wait for the call or for a free slot.
    fn tell(&self, slot: usize, header: &SlotHeader, settled: Settled) {
        let expired = match settled {
            Settled::Kept { wake, expired } => {
                if wake {
                    futex::wake(low_half(&header.state), i32::MAX);
                }
                expired
            }
            Settled::Freed { expired } => {
                self.region.free().insert(slot);
                expired
            }
            Settled::NotMine => false,
        };
        progress(self.region);
        if expired {
            process::flush_output();
            process::exit_now(EXPIRED);
        }
    }
}

/// The half of a state word that the futex sees.
pub(crate) fn low_half(state: &std::sync::atomic::AtomicU64) -> &std::sync::atomic::AtomicU32 {
    crate::shm::region::futex_half(state)
}

/// Tells clients that wait for any slot that one of them moved.
#[inline]
pub(crate) fn progress(region: &Region) {
    let head = region.head();
    std::sync::atomic::fence(SeqCst);
    if head.sleepers.load(SeqCst) != 0 {
        head.progress.0.fetch_add(1, SeqCst);
        futex::wake(&head.progress.0, i32::MAX);
    }
}
