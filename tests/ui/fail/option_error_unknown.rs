#[multicore::task(error = "string")]
fn render(page: u32) -> Result<u32, String> {
    Ok(page)
}

fn main() {}
