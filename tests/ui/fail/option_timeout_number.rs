#[multicore::task(timeout = 2)]
fn render(page: u32) -> u32 {
    page
}

fn main() {}
