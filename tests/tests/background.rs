//! Calls that nobody waits for, and those that somebody does.

multicore_tests::background_scenes!(multicore_tests::in_every_way);

mod jobs {
    multicore_tests::job_scenes!(multicore_tests::in_every_way);
}
