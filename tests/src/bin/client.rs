//! The program that plays every part which needs a process of its own: `client exec|fork PART …`.

use multicore_tests::{scenes, watch};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let [method, part, rest @ ..] = &arguments[..] else { panic!("client exec|fork PART …") };
    match (*part, rest) {
        ("scene", [name]) => {
            start(method);
            let all = scenes::all();
            let (_, scene) = all.iter().find(|(known, _)| known == name).expect("a scene");
            watch::within(watch::LONG, scene);
        }
        _ => panic!("no such part: {part}"),
    }
}

fn start(method: &str) {
    if method == "fork" {
        multicore::initialize_with(multicore::Config::new().workers(2)).expect("the default pool");
    }
}
