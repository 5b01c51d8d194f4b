//! The parts that the fixture program `client` plays while a test watches it.

pub mod backends;
pub mod ends;
pub mod families;
pub mod forks;
pub mod limits;
pub mod map_reduce;
pub mod refusals;
pub mod resources;
pub mod sandboxed;

use multicore::{Config, Start};

use crate::watch::eventually;
use crate::{endure, rig};

/// Has pools start by this method from now on, as a program does: by `initialize()`, or by doing
/// nothing.
///
/// # Panics
/// When that fails.
pub fn start(method: &str) {
    match method {
        "fork" => multicore::initialize_with(Config::new().workers(2)).expect("the default pool"),
        "exec" => {}
        "handed" => {
            rig::hand_calls_out();
            multicore::initialize_with(rig::builder().workers(2)).expect("the default pool");
        }
        other => panic!("no such method: {other}"),
    }
}

/// As [`start`], and waits for all of the default pool's workers: a scene may count what there is.
fn start_whole(method: &str) {
    start(method);
    eventually("all workers are there", || {
        multicore::stats().is_none_or(|stats| stats.workers.iter().all(|worker| worker.pid.is_some()))
    });
}

/// As [`start`], on a pool that is there already.
pub fn open(method: &str) {
    let start = if method == "fork" { Start::Fork } else { Start::Exec };
    multicore::initialize_with(Config::new().workers(2).start(start)).expect("the default pool");
}

/// Plays a part.
///
/// # Panics
/// When there is none of that name.
pub fn play(method: &str, part: &str, rest: &[&str]) {
    match (part, rest) {
        ("scene", [name]) => {
            start_whole(method);
            let all = crate::scenes::all();
            let (_, scene) = all.iter().find(|(known, _)| known == name).expect("a scene");
            crate::watch::within(crate::watch::LONG, scene);
        }
        ("scene-of-one-thread", [name]) => {
            start_whole(method);
            let all = crate::scenes::all();
            let (_, scene) = all.iter().find(|(known, _)| known == name).expect("a scene");
            // The other watchdog is a thread.
            nix::unistd::alarm::set(crate::watch::LONG as u32);
            scene();
        }
        ("scene-as-subreaper", [name]) => {
            nix::sys::prctl::set_child_subreaper(true).expect("a subreaper");
            play(method, "scene", &[name]);
        }
        ("serve", [program, arguments @ ..]) => endure::web::play(program, arguments),
        ("hold", [folder]) => families::hold(method, folder),
        ("leave", []) => families::leave(method),
        ("panic", []) => families::panic(method),
        ("exit", []) => families::exit(method),
        ("late", []) => families::late(method),
        ("later", []) => families::later(method),
        ("print", []) => families::print(method),
        ("print-and-die", []) => families::print_and_die(method),
        ("input", []) => families::input(method),
        ("keep", []) => families::keep(method),
        ("outlive", []) => families::outlive(method),
        ("generations", []) => families::generations(method),
        ("refused-from-the-start", [calls]) => refusals::from_the_start(method, calls),
        ("refused-later", [calls]) => refusals::later(method, calls),
        ("refused-shared", [calls]) => refusals::shared(method, calls),
        ("map-reduce", [folder, what]) => map_reduce::play(method, folder, what),
        ("handlers", []) => ends::handlers(method),
        ("waits", []) => ends::waits(method),
        ("user", [when]) => ends::user(method, when),
        ("closed", [path]) => ends::closed(method, path),
        ("template", []) => ends::template(),
        ("core", []) => ends::core(method),
        ("limit", [resource, value]) => limits::limit(method, resource, value),
        ("settings", []) => limits::settings(method),
        ("faults", []) => limits::faults(method),
        ("little-data", []) => limits::little_data(method),
        ("refused-limit", []) => limits::refused_limit(method),
        ("guard", []) => limits::guard(),
        ("inline", []) => limits::inline(),
        ("backends", [what]) => backends::play(what),
        ("resources-before", [log]) => resources::before(method, log),
        ("resources-inline", [log]) => resources::inline(log),
        ("resources-panicking", [log]) => resources::panicking(log),
        ("threads", []) => limits::threads(),
        ("methods", []) => limits::methods(),
        ("strange", []) => limits::strange(method),
        ("sandboxed", [what]) => sandboxed::play(method, what),
        ("no-processes", [extra]) => limits::no_processes(method, extra),
        ("forks-hold", [folder]) => forks::hold(method, folder),
        ("forks-leave", [how]) => forks::leave(method, how),
        ("forks-print", []) => forks::print(method),
        ("forks-forge", []) => forks::forge(),
        ("forks-limited", ["processes"]) => forks::no_processes(),
        ("forks-limited", ["threads"]) => forks::no_threads(),
        ("forks-limited", ["descriptors"]) => forks::no_descriptors(),
        ("forks-limited", ["timers"]) => forks::no_timers(),
        ("forks-limited", ["space"]) => forks::little_space(),
        ("table", [times]) => endure::table::play(method, times),
        ("fault", [name]) => endure::alone::play(method, name),
        ("deadline", [times]) => endure::deadline::play(method, times),
        ("descriptors", [calls]) => endure::descriptors::play(method, calls),
        ("soak", [seconds, seed]) => endure::soak::play(method, seconds, seed),
        ("connections", [calls, kills]) => endure::connections::play(method, calls, kills),
        ("chaos", [kills, seed]) => endure::chaos::play(method, kills, seed),
        _ => panic!("no such part: {part} {rest:?}"),
    }
}
