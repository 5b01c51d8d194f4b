//! Faults, and that the pool goes on after each.

multicore_tests::fault_scenes!(multicore_tests::in_every_way);
