//! `map_reduce!`: pairs out of inputs, brought together by key in the workers.
//!
//! ```text
//! inputs ──▶ map calls ──▶ runs in temporary files ──▶ reduce calls ──▶ runs ──▶ Reduced
//! (client)   task,          sorted by partition         merge, fold,    (files)   (client, merges
//!            combiner,      and key (files)             task                       as it is asked)
//!            table
//! ```
//!
//! The stages are tasks of their own, hidden ones: `map_reduce!` registers `worker::map_stage` and
//! `worker::reduce_stage` for the very task functions that it is given, so that a worker finds them by ID like any
//! other. What goes through the client is the inputs, how long each run is, and the results.

mod drive;
mod flights;
mod inputs;
mod merge;
mod output;
mod run;
mod scratch;
mod stages;
mod table;
mod trouble;
mod worker;

pub use drive::{Job, MapReduceOptions, Stages, job};
pub use output::Reduced;
pub use stages::{CombineTask, Key, MapTask, NoCombiner, ReduceTask, Travels};
