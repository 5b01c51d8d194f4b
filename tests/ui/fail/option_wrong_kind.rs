#[multicore::task(retries = "3")]
fn render(page: u32) -> u32 {
    page
}

fn main() {}
