//! The load guard: whether parallel work is worth it now.
//!
//! Compares the whole machine's one-minute load average with the whole machine's cores, as the Python
//! package does; sampled at most once a second.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::config;

static PROCESS_WIDE: Mutex<Option<f64>> = Mutex::new(None);
static SOURCE: Mutex<fn() -> f64> = Mutex::new(machine);
static SAMPLE: Mutex<Option<(Instant, f64)>> = Mutex::new(None);

/// How long a sample counts.
const FRESH: Duration = Duration::from_secs(1);
/// A share above this is a mistake: somebody wrote per cent.
const MOST: f64 = 10.0;

/// Why a threshold makes no sense.
pub(crate) fn check(share: f64) -> Result<(), String> {
    if share.is_nan() || share < 0.0 {
        return Err(format!("{share} is no share of the machine's cores; 0.85 means 85 per cent of them"));
    }
    if share > MOST {
        return Err(format!("{share} is above {MOST}; write per cent as a share: Django's 85 is 0.85 here"));
    }
    Ok(())
}

/// Whether parallel work is allowed under this threshold; none always allows, 0.0 always refuses.
pub(crate) fn allows(threshold: Option<f64>) -> bool {
    match threshold {
        None => true,
        Some(share) => share > 0.0 && sampled() <= share,
    }
}

/// Sets the threshold that [`Task::try_new`](crate::Task::try_new) uses.
pub(crate) fn set_process_wide(share: Option<f64>) {
    *lock(&PROCESS_WIDE) = share;
}

/// The threshold in force for the whole process: what `initialize_with` set, else the variable's. A web server asks
/// for it with each request, so nothing else is looked at.
pub(crate) fn process_wide() -> Option<f64> {
    let set = *lock(&PROCESS_WIDE);
    set.or_else(|| config::max_load_average(None).ok().flatten())
}

/// Replaces where the load guard reads the machine's load from, as a share of all cores (1.0: as many
/// runnable processes as cores); for tests. The last sample is forgotten; from
/// then on it is asked at most once a second.
///
/// ```
/// multicore::set_load_source(|| 0.5);
/// assert!(multicore::Task::<u32>::with_max_load_average(0.85).is_some());
/// multicore::set_load_source(|| 0.9);
/// assert!(multicore::Task::<u32>::with_max_load_average(0.85).is_none());
/// ```
pub fn set_load_source(source: fn() -> f64) {
    *lock(&SOURCE) = source;
    *lock(&SAMPLE) = None;
}

fn sampled() -> f64 {
    let mut sample = lock(&SAMPLE);
    match *sample {
        Some((at, load)) if at.elapsed() < FRESH => load,
        _ => {
            let source = *lock(&SOURCE);
            let load = source();
            *sample = Some((Instant::now(), load));
            load
        }
    }
}

/// The one-minute load average for each of the machine's cores, not only those of this process.
fn machine() -> f64 {
    // Without /proc the load is unknown, and unknown does not refuse.
    let load = sysinfo::System::load_average().one;
    load / cores().max(1) as f64
}

#[cfg(processes)]
fn cores() -> i64 {
    nix::unistd::sysconf(nix::unistd::SysconfVar::_NPROCESSORS_ONLN).ok().flatten().unwrap_or(1)
}

#[cfg(not(processes))]
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, |cores| cores.get())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
