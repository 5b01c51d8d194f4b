//! What the tests share: tasks, scenes, and ways to look at processes from outside.
//!
//! A *scene* is a test's body. Most run twice: in the test process, whose pools start by *exec*, and
//! in the fixture program `client` after `initialize()`, where they start by *fork* ([`both`]).
//! Whatever needs a process of its own is a part that `client` plays ([`fixture`]).
//!
//! No test asserts a time; bounds are only there so that a hang fails ([`watch`]).

pub mod attempts;
pub mod belongings;
pub mod crew;
pub mod endure;
pub mod fixture;
pub mod hostile;
pub mod moment;
pub mod parts;
pub mod payload;
pub mod procfs;
pub mod rig;
pub mod scenes;
pub mod tasks;
pub mod watch;
pub mod wild;

/// Makes two tests of every scene in a list: one by exec, right here, and one by fork, in `client`.
#[macro_export]
macro_rules! both {
    ($module:ident: $($scene:ident)*) => {
        mod exec {
            $(#[test]
            fn $scene() {
                $crate::watch::within($crate::watch::LONG, $crate::scenes::$module::$scene);
            })*
        }

        mod fork {
            $(#[test]
            fn $scene() {
                let name = concat!(stringify!($module), "::", stringify!($scene));
                $crate::fixture::play(env!("CARGO_BIN_EXE_client"), "fork", name);
            })*
        }
    };
}

/// As [`both`](crate::both), and a third one with calls that are handed out, as in sandboxed pools.
#[macro_export]
macro_rules! in_every_way {
    ($module:ident: $($scene:ident)*) => {
        $crate::both! { $module: $($scene)* }

        mod handed {
            $(#[test]
            fn $scene() {
                let name = concat!(stringify!($module), "::", stringify!($scene));
                $crate::fixture::play(env!("CARGO_BIN_EXE_client"), "handed", name);
            })*
        }
    };
}

/// Makes two tests of every scene in a list, each in a process of its own.
#[macro_export]
macro_rules! each_alone {
    ($module:ident: $($scene:ident)*) => {
        $crate::each_alone! { @by exec, $module: $($scene)* }
        $crate::each_alone! { @by fork, $module: $($scene)* }
    };
    (@by $method:ident, $module:ident: $($scene:ident)*) => {
        mod $method {
            $(#[test]
            fn $scene() {
                let name = concat!(stringify!($module), "::", stringify!($scene));
                $crate::fixture::play(env!("CARGO_BIN_EXE_client"), stringify!($method), name);
            })*
        }
    };
}

/// Makes one test of every scene in a list that takes ten seconds and more: by exec and by fork, each in a process of
/// its own.
#[macro_export]
macro_rules! at_length {
    ($module:ident: $($scene:ident)*) => {
        $crate::at_length! { @by [exec fork], $module: $($scene)* }
    };
    (@by [$($method:ident)*], $module:ident: $($scene:ident)*) => {
        $crate::at_length! { @these [$(stringify!($method)),*], $module: $($scene)* }
    };
    (@these $methods:expr, $module:ident: $($scene:ident)*) => {
        mod at_length {
            $(#[test]
            #[ignore = "ten seconds and more; `cargo soak` and .ci/run run it"]
            fn $scene() {
                for method in $methods {
                    let name = concat!(stringify!($module), "::", stringify!($scene));
                    $crate::fixture::play(env!("CARGO_BIN_EXE_client"), method, name);
                }
            })*
        }
    };
}

/// The scenes of a list with their names.
#[macro_export]
macro_rules! table {
    ($module:ident: $($scene:ident)*) => {
        &[$((
            concat!(stringify!($module), "::", stringify!($scene)),
            $crate::scenes::$module::$scene as fn(),
        )),*]
    };
}
