#[multicore::task(codec = "json")]
fn render(page: u32) -> u32 {
    page
}

fn main() {}
