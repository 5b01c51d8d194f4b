use std::rc::Rc;

fn main() {
    let _ = multicore::fork(|| Rc::new(1));
}
