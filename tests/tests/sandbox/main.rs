//! Sandboxed pools: what their workers can do, what they cannot, and what one of them can do to the others.

mod belongings;
mod chaos;
mod client;
mod scribble;
mod walls;
mod work;

use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};

use multicore::{Call, Config, Handle, Pool, Sandbox};
use multicore_tests::rig::Rig;
use multicore_tests::watch::{LONG, within};

const CLIENT: &str = env!("CARGO_BIN_EXE_client");

fn pool(sandbox: Sandbox) -> Config {
    Pool::builder().workers(2).sandbox(sandbox)
}

/// A rig in a sandbox, with a watchdog.
fn with_rig(config: Config, scene: impl FnOnce(&Rig)) {
    within(LONG, || {
        let rig = Rig::with(config);
        scene(&rig);
        rig.end();
    });
}

#[track_caller]
fn outcome<R: 'static>(rig: &Rig, call: Call<'_, R>) -> multicore::Result<R> {
    rig.pool.spawn(call).and_then(Handle::get)
}

/// Says where it is, and goes.
#[multicore::task]
fn crumb_and_die(text: &str) {
    multicore::breadcrumb(text);
    std::process::abort();
}

/// How many calls there were of each kind: by their worker, or by their end.
type Calls = HashMap<i32, u64>;

fn seed(variable: &str) -> u64 {
    let now = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |time| time.as_nanos() as u64);
    let seed = std::env::var(variable).map_or_else(|_| now(), |text| text.parse().expect("a number"));
    println!("{variable}={seed} repeats this");
    seed
}
