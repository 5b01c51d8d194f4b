//! What a whole process sees of its pools: nothing is left, nothing is in the way.

multicore_tests::alone_scenes!(multicore_tests::each_alone);

/// Ten seconds each.
mod long {
    #[test]
    #[ignore = "ten seconds; `cargo soak` and .ci/run run it"]
    fn idle_processes_use_no_cpu_in_ten_seconds() {
        for method in ["exec", "fork"] {
            let scene = "alone::idle_processes_use_no_cpu_in_ten_seconds";
            multicore_tests::fixture::play(env!("CARGO_BIN_EXE_client"), method, scene);
        }
    }
}
