pub struct Page(u32);

impl Page {
    #[multicore::task]
    fn render(page: Self) -> u32 {
        page.0
    }
}

fn main() {}
