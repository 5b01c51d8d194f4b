use std::rc::Rc;

#[multicore::threaded]
fn show(name: String, count: Rc<u32>) -> String {
    format!("{name} {count}")
}

fn main() {}
