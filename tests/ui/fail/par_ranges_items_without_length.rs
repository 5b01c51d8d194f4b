#[multicore::task]
fn render(start: usize, end: usize) -> usize {
    end - start
}

fn main() {
    let users = std::iter::repeat(1);
    let _ = multicore::par_ranges!(users, render);
}
