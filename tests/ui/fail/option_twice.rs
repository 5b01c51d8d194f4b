#[multicore::task(retries = 1, retries = 2)]
fn render(page: u32) -> u32 {
    page
}

fn main() {}
