//! Stopped workers and supervisors.

multicore_tests::stopped_scenes!(multicore_tests::both);
