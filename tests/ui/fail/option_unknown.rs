#[multicore::task(timout = "2s")]
fn render(page: u32) -> u32 {
    page
}

fn main() {
    let _ = render::call(1);
}
