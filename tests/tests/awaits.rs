//! Awaited handles, on tokio and on smol.

multicore_tests::await_scenes!(multicore_tests::in_every_way);

mod streams {
    multicore_tests::stream_scenes!(multicore_tests::in_every_way);
}

mod alone {
    multicore_tests::await_alone_scenes!(multicore_tests::each_alone);
}
