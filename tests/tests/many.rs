//! Many calls at once, by every start method and handed out: maps, and handles that are joined.

mod mapped {
    multicore_tests::mapped_scenes!(multicore_tests::in_every_way);
}

mod joined {
    multicore_tests::joined_scenes!(multicore_tests::in_every_way);
}
