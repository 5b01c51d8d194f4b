//! Many short calls at once, by every start method and handed out.

multicore_tests::short_scenes!(multicore_tests::in_every_way);
