//! What workers may use, and what they say while they run.

multicore_tests::limit_scenes!(multicore_tests::in_every_way);
