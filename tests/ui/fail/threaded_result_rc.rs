use std::rc::Rc;

#[multicore::threaded]
fn boxed(n: u32) -> Rc<u32> {
    Rc::new(n)
}

fn main() {}
