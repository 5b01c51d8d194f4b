#[multicore::task(timeout = "2 sec")]
fn render(page: u32) -> u32 {
    page
}

fn main() {}
