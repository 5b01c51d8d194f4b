#[multicore::task(isolate = true)]
fn render(page: u32) -> u32 {
    page
}

fn main() {}
