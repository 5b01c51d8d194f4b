//! Making processes, ending them, and what they know about themselves.

mod cgroup;
mod cores;
mod descriptors;
mod family;
mod fork;
mod limits;
mod own;
mod stat;

pub(crate) use cgroup::memory_of_cgroup;
pub(crate) use cores::{core, go_where, run_on, spread, usable_cpus};
pub(crate) use descriptors::{
    above_standard, close_all_but, copy, fill_standard_descriptors, lift, place, stdin_from_nothing,
};
pub(crate) use family::{
    End, Reaped, become_subreaper, children, die_with_parent, kill, kill_group, lead_group, next_stop,
    own_group, peek_dead, reap, reap_next,
};
pub(crate) use fork::{
    Fork, Parent, collect, exit_now, flush_output, fork, fork_supervisor, fork_unseen, single_threaded,
};
#[cfg(test)]
pub(crate) use fork::{fork_unchecked, thread_count};
pub(crate) use limits::{
    limit_cpu, limit_data, limit_files, mapped_data, memory_file, most_files, open_files, private_memory,
    set_niceness, set_variable,
};
pub(crate) use own::{print_by_lines, set_name, set_oom_score};
pub(crate) use stat::{Stat, all, stat};

#[cfg(test)]
pub(super) use {
    cgroup::least_limit,
    cores::spread_by,
    descriptors::{close_one_by_one, gaps},
    family::children_found,
};
