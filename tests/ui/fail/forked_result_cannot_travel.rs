use std::rc::Rc;

#[multicore::forked]
fn boxed(n: u32) -> Rc<u32> {
    Rc::new(n)
}

fn main() {}
