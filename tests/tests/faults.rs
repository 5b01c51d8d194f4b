//! Faults, and that the pool goes on after each.

multicore_tests::fault_scenes!(multicore_tests::in_every_way);

mod deaths {
    multicore_tests::death_scenes!(multicore_tests::in_every_way);
}

mod deadlines {
    multicore_tests::deadline_scenes!(multicore_tests::in_every_way);
}

mod cancelled {
    multicore_tests::cancelled_scenes!(multicore_tests::in_every_way);
}
