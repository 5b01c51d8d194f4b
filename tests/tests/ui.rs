//! The compiler's answers to right and wrong programs.

/// Programs that must compile and run.
#[test]
#[ignore = "takes minutes: `cargo ui` runs it"]
fn right_programs_compile_and_run() {
    trybuild::TestCases::new().pass("ui/pass/*.rs");
}

/// Programs with one mistake each, and the one error that it gives.
#[test]
#[cfg_attr(ui_toolchain, ignore = "takes minutes: `cargo ui` runs it")]
#[cfg_attr(not(ui_toolchain), ignore = "the recorded outputs belong to rustc 1.95")]
fn wrong_programs_give_one_error() {
    trybuild::TestCases::new().compile_fail("ui/fail/*.rs");
}
