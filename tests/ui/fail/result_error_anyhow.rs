#[multicore::task]
fn parse(text: &str) -> anyhow::Result<u32> {
    Ok(text.parse()?)
}

fn main() {}
