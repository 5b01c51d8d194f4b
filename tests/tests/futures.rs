//! x
multicore_tests::futures_scenes!(multicore_tests::in_every_way);
