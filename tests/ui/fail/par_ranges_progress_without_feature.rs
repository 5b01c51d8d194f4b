#[multicore::task]
fn render(start: usize, end: usize) -> usize {
    end - start
}

fn main() {
    let _ = multicore::par_ranges!(0..10usize, render, progress = true);
}
