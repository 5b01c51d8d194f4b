//! What a pool says of what it has done.

multicore_tests::stats_scenes!(multicore_tests::in_every_way);

mod default {
    multicore_tests::default_stats_scenes!(multicore_tests::each_alone);
}
