//! Connection managers of `r2d2` as resources.

multicore_tests::adapter_scenes!(multicore_tests::both);
