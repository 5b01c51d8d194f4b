//! How pools end, whatever the client is: a program among others, the system's own process 1, or one that
//! adopts what others leave.

multicore_tests::end_scenes!(multicore_tests::each_alone);

/// With the client as something else than a program among others.
macro_rules! each_as {
    ($module:ident: $($scene:ident)*) => {
        mod as_process_1 {$(
            #[test]
            #[cfg_attr(not(pid_namespaces), ignore = "`unshare --pid` is refused here")]
            fn $scene() {
                let name = concat!(stringify!($module), "::", stringify!($scene));
                multicore_tests::fixture::play_as_process_1(env!("CARGO_BIN_EXE_client"), name);
            }
        )*}

        mod as_subreaper {$(
            #[test]
            fn $scene() {
                let name = concat!(stringify!($module), "::", stringify!($scene));
                multicore_tests::fixture::play_as_subreaper(env!("CARGO_BIN_EXE_client"), name);
            }
        )*}
    };
}

multicore_tests::end_scenes!(each_as);
