//! Queues, in a process of its own each: what is open and mapped is the whole process's.

multicore_tests::queue_scenes!(multicore_tests::each_alone);
