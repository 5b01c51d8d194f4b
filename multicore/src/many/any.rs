//! Waiting for any of several handles.

use std::time::{Duration, Instant};

use crate::handle::Handle;

/// More handles than this are not looked at again and again before the thread sleeps.
const SPUN: usize = 128;
/// From one look to the next where the handles are of several pools.
const LOOK: Duration = Duration::from_millis(1);

/// Waits until one of these is finished, or until the moment, `None` for ever; whether one is.
pub(super) fn wait_for_any<R: 'static>(handles: &[(usize, Handle<R>)], until: Option<Instant>) -> bool {
    let done = || handles.iter().any(|(_, handle)| handle.is_finished());
    let mut venues = handles.iter().filter_map(|(_, handle)| handle.venue());
    match venues.next() {
        Some(venue) if venues.all(|other| venue.is(&other)) => {
            venue.wait_for_any(until, handles.len() <= SPUN, done)
        }
        _ => wait_in_turn(handles, until),
    }
}

/// Of several pools each has its own word to sleep on: sleeps on one, and looks at all of them now and then.
fn wait_in_turn<R: 'static>(handles: &[(usize, Handle<R>)], until: Option<Instant>) -> bool {
    for (_, handle) in handles.iter().cycle() {
        let look = Instant::now() + LOOK;
        let last = until.is_some_and(|until| until <= look);
        if handle.wait_until(Some(until.map_or(look, |until| until.min(look))))
            || handles.iter().any(|(_, handle)| handle.is_finished())
        {
            return true;
        }
        if last {
            return false;
        }
    }
    false
}
