pub trait Render {
    #[multicore::task]
    fn render(number: u32) -> u32;
}

fn main() {}
