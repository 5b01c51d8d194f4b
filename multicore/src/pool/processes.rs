//! A pool's processes, from the first to the last.

use std::os::fd::OwnedFd;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::config::{Settings, Start};
use crate::error::Result;
use crate::processes::client::launch::Origin;
use crate::processes::client::life::{self, Life};
use crate::processes::client::link::{Link, is_death};
use crate::processes::client::{Client, launch, template};
use crate::processes::control::Hello;
use crate::processes::map;
use crate::processes::worker::fault::Plan;
use crate::processes::worker::ready;
use crate::sandbox::Sandbox;
use crate::shm::layout::Geometry;
use crate::shm::region::Region;
use crate::sys::eventfd;
use crate::sys::exit::AtExit;

/// Every pool of this process that may still have processes, for the end of the program.
static LIVING: Mutex<Vec<Weak<Client>>> = Mutex::new(Vec::new());
static AT_EXIT: AtExit = AtExit::new(stop_all);

/// Starts a pool's processes; `from` says where its first supervisor comes from.
pub(super) fn open(mut settings: Settings, from: Origin, faults: Vec<Plan>) -> Result<Arc<Client>> {
    settings.sandbox = settings.sandbox.map(Sandbox::check).transpose()?;
    let (method, bell) = match settings.sandbox {
        // Whatever the program's other pools do.
        Some(_) => (Start::Exec, Some(eventfd::create()?)),
        None => (launch::settle_method(from.method().or(settings.start))?, None),
    };
    // It comes to life while the rest is made ready.
    let launched = launch::launch(method, from, &settings)?;
    let (region, file, hello, kept) = match furnish(&settings, !faults.is_empty()) {
        Ok(furnished) => furnished,
        Err(error) => {
            launched.give_up();
            return Err(error);
        }
    };
    let link = Link::start(launched, &file, bell.as_ref(), &hello, &kept, || {
        map::provide_headers(&region)?;
        (0..settings.slots).for_each(|slot| region.free().insert(slot));
        Ok(())
    });
    let link = link.or_else(|error| {
        let again = || Link::restart(method, &settings, &file, bell.as_ref(), &hello, &kept);
        // As at any later moment of its life.
        if is_death(&error) { again().map_err(|_| error) } else { Err(error) }
    })?;
    let life = Life { link: Some(Arc::new(link)), verdict: None, hello, kept };
    let client = Arc::new(Client::new(region, file, bell, settings, faults, method, life));
    remember(&client);
    Ok(client)
}

/// Where the first supervisor of the default pool comes from, when the program initialises it now.
pub(super) fn origin(settings: &Settings) -> Origin {
    let forks = settings.start.or_else(launch::method).unwrap_or(Start::Fork) == Start::Fork;
    if forks { Origin::ThisMoment } else { Origin::AsSettled }
}

/// A region, and what its supervisor is to be told and given.
fn furnish(settings: &Settings, faults: bool) -> Result<(Region, Arc<OwnedFd>, Hello, Vec<OwnedFd>)> {
    let geometry =
        Geometry { slots: settings.slots, workers: settings.workers, window: settings.payload_limit };
    let (region, file) = map::make(geometry)?;
    let hello = life::hello(region.geometry(), settings, faults)?;
    let kept = life::copies(&hello.keep_fds)?;
    Ok((region, file, hello, kept))
}

fn living() -> std::sync::MutexGuard<'static, Vec<Weak<Client>>> {
    LIVING.lock().unwrap_or_else(PoisonError::into_inner)
}

fn remember(client: &Arc<Client>) {
    let mut living = living();
    living.retain(|weak| weak.strong_count() > 0);
    living.push(Arc::downgrade(client));
    // Without it the pool ends with its client all the same, a moment later.
    let _ = AT_EXIT.register();
}

/// A program that ends leaves no process that holds its output open.
extern "C" fn stop_all() {
    if ready::in_worker() {
        return;
    }
    // Another thread may be inside; it is about to end as well.
    let Ok(living) = LIVING.try_lock() else { return };
    living.iter().filter_map(Weak::upgrade).for_each(|client| client.stop());
    template::end();
}
