#[multicore::task("2s")]
fn render(page: u32) -> u32 {
    page
}

fn main() {}
