//! Calls on worker processes: what travels, who waits, and what comes back.

multicore_tests::calling_scenes!(multicore_tests::in_every_way);

mod start {
    multicore_tests::start_scenes!(multicore_tests::in_every_way);
}

mod borrowed {
    multicore_tests::borrowed_scenes!(multicore_tests::in_every_way);
}
