//! Shared data, in a process of its own each: what is open and mapped is the whole process's.

multicore_tests::shared_scenes!(multicore_tests::each_alone);

mod kept {
    multicore_tests::kept_scenes!(multicore_tests::each_alone);
}
