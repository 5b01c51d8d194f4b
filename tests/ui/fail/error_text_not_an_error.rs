pub struct Failed;

#[multicore::task(error = "text")]
fn count(text: &str) -> Result<usize, Failed> {
    Ok(text.len())
}

fn main() {}
