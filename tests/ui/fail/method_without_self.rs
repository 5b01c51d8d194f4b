pub struct Page(u32);

impl Page {
    #[multicore::task]
    fn render(number: u32) -> u32 {
        number
    }
}

fn main() {}
