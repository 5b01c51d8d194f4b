pub struct Page(u32);

impl Page {
    #[multicore::task]
    fn render(&self) -> u32 {
        self.0
    }
}

fn main() {}
