//! Pages that stay with free slots for the next calls, up to a bound for the whole pool.
//!
//! A page that is there already costs a copy; one that has to come costs ten times as much, and giving it
//! back as much again. So whoever frees a slot keeps the pages of its windows as long as the pool's
//! [`warm_memory`](crate::Config::warm_memory) allows. Where it does not, other free slots give theirs back
//! first: this one was used just now, and the lowest free slot is the next to be used.
//!
//! Everything here is the client's own account. How much a result has is what its worker says, bounded by
//! the window; one that says too much leaves less to others, one that says too little keeps what it could
//! have taken anyway. The first [`FLOOR`] bytes of a window are not counted.
//!
//! Once nobody uses any of it, the supervisor gives all of it back (`processes/supervisor/cooling.rs`): this
//! process may sleep then, and nobody in it would.
//!
//! Slots change hands through their words alone, so nobody gives back what a call lies in: a slot's pages
//! go while it is being released, or after it was reserved for that.

use std::sync::atomic::Ordering::Relaxed;
use std::sync::atomic::{AtomicBool, AtomicU64};

use crate::processes::client::Client;
use crate::processes::clock;
use crate::processes::control::Order;
use crate::shm::layout::PAGE;
use crate::shm::region::FLOOR;

/// How often the supervisor is told that pages are kept, in nanoseconds; half of what it waits then.
const TELL: u64 = 1_000_000_000;

/// How much of the bound is taken.
#[derive(Default)]
pub(in crate::processes) struct Warmth {
    bytes: AtomicU64,
    /// When the supervisor was last told of it.
    told: AtomicU64,
}

/// What one slot has of it.
#[derive(Default)]
pub(in crate::processes) struct Share {
    bytes: AtomicU64,
    /// Whether the slot was freed here, and what this says is so. A detached call's slot is freed by others,
    /// who give back what is above the floor.
    known: AtomicBool,
}

impl Warmth {
    /// Exchanges a share for another, of up to so many bytes; how many it got.
    fn exchange(&self, share: u64, wanted: u64, most: u64) -> u64 {
        let mut granted = 0;
        let _ = self.bytes.fetch_update(Relaxed, Relaxed, |taken| {
            let others = taken.saturating_sub(share);
            granted = wanted.min(most.saturating_sub(others));
            Some(others + granted)
        });
        granted
    }
}

impl Client {
    /// A slot that this thread has just reserved: sees that its windows are as the seat says.
    #[inline]
    pub(in crate::processes) fn look_at_windows(&self, slot: usize) {
        let seat = &self.seats[slot];
        let cooled = &self.region.slot(slot).cooled;
        if cooled.load(Relaxed) != 0 {
            cooled.store(0, Relaxed);
            // The first pages as well.
            seat.backed.store(0, Relaxed);
            self.cool_down(slot);
        }
        if seat.share.known.load(Relaxed) {
            seat.share.known.store(false, Relaxed);
        } else {
            self.cool_down(slot);
        }
    }

    /// A slot that this thread is about to free: keeps its pages, or gives some back.
    #[inline]
    pub(in crate::processes) fn keep_warm(&self, slot: usize) {
        let seat = &self.seats[slot];
        let above = |bytes: usize| bytes.saturating_sub(FLOOR) as u64;
        let arguments = above(seat.backed.load(Relaxed) as usize);
        let wanted = arguments + above(self.region.result_pages(slot));
        if wanted != seat.share.bytes.load(Relaxed) {
            self.settle_share(slot, arguments, wanted);
        }
        seat.share.known.store(true, Relaxed);
        let header = self.region.slot(slot);
        self.count_failure(slot);
        let longest = header.arguments_len.load(Relaxed).max(header.result_len.load(Relaxed));
        if longest > PAGE as u64 {
            self.tell_of_warm_windows();
        }
    }

    #[cold]
    fn settle_share(&self, slot: usize, arguments: u64, wanted: u64) {
        let (seat, most) = (&self.seats[slot], self.settings.warm_memory);
        let mut granted = self.warmth.exchange(seat.share.bytes.load(Relaxed), wanted, most);
        if granted < wanted && self.cool_others(slot) {
            granted = self.warmth.exchange(granted, wanted, most);
        }
        seat.share.bytes.store(granted, Relaxed);
        if granted < wanted {
            // The arguments first: a client that has written them once has them mapped.
            let keep = [arguments.min(granted), granted.saturating_sub(arguments)];
            self.region.trim(slot, &seat.backed, keep.map(|bytes| FLOOR + bytes as usize));
        }
        if granted != 0 {
            // Also for a call that was encoded in part and not sent.
            self.tell_of_warm_windows();
        }
    }

    /// Has the supervisor give pages back once nobody tells it this for a while.
    #[cold]
    fn tell_of_warm_windows(&self) {
        let (now, told) = (clock::now(), self.warmth.told.load(Relaxed));
        let due = told == 0 || now.saturating_sub(told) > TELL;
        if due && self.warmth.told.compare_exchange(told, now, Relaxed, Relaxed).is_ok() {
            self.tell_supervisor(&Order::Warm);
        }
    }

    /// Gives back what free slots other than this one keep; whether that was anything.
    fn cool_others(&self, slot: usize) -> bool {
        let mut any = false;
        for other in (0..self.seats.len()).filter(|other| *other != slot) {
            if self.seats[other].share.bytes.load(Relaxed) == 0 || !self.region.free().remove(other) {
                continue;
            }
            if let Some(ticket) = self.reserve_slot(other) {
                self.cool_down(other);
                // And no look at what it keeps now: where that is forged, one slot would have the next give
                // way, and that the next.
                self.let_go(ticket);
                any = true;
            }
        }
        any
    }

    /// Gives back all but the floor of a slot that this thread has reserved.
    #[cold]
    fn cool_down(&self, slot: usize) {
        let seat = &self.seats[slot];
        self.region.cool(slot, &seat.backed);
        let share = seat.share.bytes.swap(0, Relaxed);
        self.warmth.exchange(share, 0, 0);
        // Of a call that was detached.
        self.count_failure(slot);
    }
}
