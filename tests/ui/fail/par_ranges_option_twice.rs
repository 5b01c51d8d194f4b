#[multicore::task]
fn render(start: usize, end: usize) -> usize {
    end - start
}

fn main() -> multicore::Result<()> {
    let _: Vec<usize> = multicore::par_ranges!(0..10, render, ranges = 1, ranges = 2)?;
    Ok(())
}
