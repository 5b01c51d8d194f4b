//! The long proofs: `cargo endure [SUBJECT..]`; see `multicore_tests::endure`.

use std::process::ExitCode;

use multicore_tests::endure::{self, plan::Plan};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    if let ["play", method, part, rest @ ..] = &words[..] {
        // Whoever started this may be killed by its own watchdog.
        nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL).expect("a signal");
        multicore_tests::parts::play(method, part, rest);
        return ExitCode::SUCCESS;
    }
    match Plan::from(arguments) {
        Ok(plan) if endure::run(&plan) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(wrong) => {
            eprintln!("{wrong}");
            ExitCode::from(2)
        }
    }
}
