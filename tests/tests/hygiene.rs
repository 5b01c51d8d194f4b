//! What a whole process sees of its pools: nothing is left, nothing is in the way.

multicore_tests::alone_scenes!(multicore_tests::each_alone);

multicore_tests::long_scenes!(multicore_tests::at_length);
