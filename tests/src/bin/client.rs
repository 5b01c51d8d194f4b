//! The program that plays every part which needs a process of its own: `client exec|fork PART …`.

fn main() {
    // Whoever started this may be killed by its own watchdog.
    nix::sys::prctl::set_pdeathsig(nix::sys::signal::Signal::SIGKILL).expect("a signal");
    multicore_tests::wild::heed_sigint();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [method, part, rest @ ..] = &arguments[..] else { panic!("client exec|fork PART …") };
    multicore_tests::parts::play(method, part, rest);
}
