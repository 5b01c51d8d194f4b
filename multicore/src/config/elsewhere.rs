//! What options mean where there are no worker processes: those that are about processes mean nothing, and have been
//! refused unless the environment chose.

use super::Limits;
use super::settle::WARM_MEMORY;
use crate::error::Result;
use crate::shm::layout::MAX_SLOTS;

/// Enough for a thousand calls in flight.
pub(super) fn default_slots(workers: usize) -> usize {
    (workers * 64).clamp(1024, MAX_SLOTS)
}

pub(super) fn checked(limits: Limits) -> Result<Limits> {
    Ok(limits)
}

pub(super) fn pinned(limits: Limits) -> Result<Limits> {
    Ok(limits)
}

pub(super) fn warm_by_default() -> u64 {
    WARM_MEMORY
}
