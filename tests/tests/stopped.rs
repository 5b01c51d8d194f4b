//! Stopped workers and supervisors.

multicore_tests::stopped_scenes!(multicore_tests::in_every_way);
