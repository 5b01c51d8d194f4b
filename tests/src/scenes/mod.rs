//! The bodies of tests, most of which run under both start methods.
//!
//! Lists at the end of each file, or of its folder's `mod.rs`, name its scenes once: the tests and the fixture program
//! are made from them.

pub mod adapters;
pub mod alone;
pub mod awaits;
pub mod awaits_alone;
pub mod background;
pub mod borrowed;
pub mod calling;
pub mod cancelled;
pub mod deadlines;
pub mod deaths;
pub mod django;
pub mod ends;
pub mod faults;
pub mod forked;
pub mod forks_end;
pub mod frugal;
pub mod futures;
pub mod hostile;
pub mod jobs;
pub mod joined;
pub mod kept;
pub mod limits;
pub mod map_reduce;
pub mod mapped;
pub mod queues;
pub mod resources;
pub mod resources_end;
pub mod shared;
pub mod sharing;
pub mod short;
pub mod sqlite;
pub mod start;
pub mod stats;
pub mod stopped;
pub mod streams;
pub mod tree;

/// A scene with the name of its list and its own.
pub type Named = (&'static str, fn());

/// Every scene.
pub fn all() -> Vec<Named> {
    let lists: &[&[Named]] = &[
        crate::calling_scenes!(crate::table),
        crate::await_scenes!(crate::table),
        crate::await_alone_scenes!(crate::table),
        crate::stream_scenes!(crate::table),
        crate::borrowed_scenes!(crate::table),
        crate::sharing_scenes!(crate::table),
        crate::fault_scenes!(crate::table),
        crate::death_scenes!(crate::table),
        crate::deadline_scenes!(crate::table),
        crate::cancelled_scenes!(crate::table),
        crate::background_scenes!(crate::table),
        crate::job_scenes!(crate::table),
        crate::short_scenes!(crate::table),
        crate::limit_scenes!(crate::table),
        crate::start_scenes!(crate::table),
        crate::stats_scenes!(crate::table),
        crate::default_stats_scenes!(crate::table),
        crate::hostile_scenes!(crate::table),
        crate::shared_scenes!(crate::table),
        crate::map_reduce_scenes!(crate::table),
        crate::tree_scenes!(crate::table),
        crate::kept_scenes!(crate::table),
        crate::queue_scenes!(crate::table),
        crate::resource_scenes!(crate::table),
        crate::resource_end_scenes!(crate::table),
        crate::resource_fork_scenes!(crate::table),
        crate::stopped_scenes!(crate::table),
        crate::alone_scenes!(crate::table),
        crate::long_resource_scenes!(crate::table),
        crate::long_scenes!(crate::table),
        crate::frugal_scenes!(crate::table),
        crate::long_frugal_scenes!(crate::table),
        crate::end_scenes!(crate::table),
        crate::joined_scenes!(crate::table),
        crate::mapped_scenes!(crate::table),
        crate::forked_scenes!(crate::table),
        crate::forks_end_scenes!(crate::table),
        crate::futures_scenes!(crate::table),
        crate::adapter_scenes!(crate::table),
        crate::served_scenes!(crate::table),
        crate::django_scenes!(crate::table),
        crate::django_process_scenes!(crate::table),
        crate::django_fork_scenes!(crate::table),
        crate::django_inline_scenes!(crate::table),
        crate::django_clock_scenes!(crate::table),
        crate::sqlite_scenes!(crate::table),
        crate::sqlite_process_scenes!(crate::table),
        crate::sqlite_fork_scenes!(crate::table),
    ];
    lists.concat()
}
