//! Few slots, many calls, threads and pools.

multicore_tests::sharing_scenes!(multicore_tests::in_every_way);
