//! What a whole process sees of its pools: nothing is left, nothing is in the way, and nothing is wasted.

mod alone {
    multicore_tests::alone_scenes!(multicore_tests::each_alone);

    multicore_tests::long_scenes!(multicore_tests::at_length);
}

mod frugal {
    multicore_tests::frugal_scenes!(multicore_tests::each_alone);

    multicore_tests::long_frugal_scenes!(multicore_tests::at_length);
}
