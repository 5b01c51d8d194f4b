//! Has a server, says where, and waits for a line: `hold shared|own`. Then it returns, panics or exits, as told.

use test_postgres::Cluster;

fn main() {
    let own;
    let cluster = match std::env::args().nth(1).as_deref() {
        Some("shared") => Cluster::shared(),
        _ => {
            own = Cluster::start();
            &own
        }
    };
    println!("{} {} {}", cluster.port(), cluster.guard(), cluster.folder().display());
    let mut end = String::new();
    std::io::stdin().read_line(&mut end).expect("a line");
    match end.trim() {
        "return" => {}
        "panic" => panic!("as it was told"),
        "exit" => std::process::exit(0),
        other => unreachable!("{other}"),
    }
}
