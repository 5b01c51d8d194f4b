//! Connection managers of `r2d2` as resources.

multicore_tests::adapter_scenes!(multicore_tests::both);

/// In front of a PostgreSQL server, in a process of its own by each method.
mod served {
    use multicore_tests::fixture::Fixture;
    use multicore_tests::tasks::connections::URL;
    use multicore_tests::watch::{LONG, within};
    use test_postgres::Cluster;

    #[track_caller]
    fn play(method: &str, scene: &str) {
        let url = Cluster::shared().url_of(&format!("{method}-{}", &scene[..scene.len().min(50)]));
        let name = format!("adapters::{scene}");
        let fixture = Fixture::new(env!("CARGO_BIN_EXE_client"), &[method, "scene", &name]).env(URL, &url);
        let ended = within(LONG + 10, || fixture.run());
        assert!(ended.status.success(), "{name}: {}\n{}{}", ended.status, ended.stdout, ended.stderr);
    }

    macro_rules! played {
        ($method:ident, adapters: $($scene:ident)*) => {
            mod $method {
                $(#[test]
                #[cfg_attr(not(postgres), ignore = "no PostgreSQL server is installed")]
                fn $scene() {
                    super::play(stringify!($method), stringify!($scene));
                })*
            }
        };
    }

    macro_rules! by_exec { ($($scenes:tt)*) => { played! { exec, $($scenes)* } }; }
    macro_rules! by_fork { ($($scenes:tt)*) => { played! { fork, $($scenes)* } }; }

    multicore_tests::served_scenes!(by_exec);
    multicore_tests::served_scenes!(by_fork);
}
