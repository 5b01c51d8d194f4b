pub trait Render {
    #[multicore::task]
    fn render(&self) -> u32;
}

fn main() {}
