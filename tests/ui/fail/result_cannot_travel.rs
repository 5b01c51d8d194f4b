use std::rc::Rc;

#[multicore::task]
fn words(text: &str) -> Rc<String> {
    Rc::new(text.to_owned())
}

fn main() {}
