#[multicore::task]
fn render(start: u32, end: u32) -> u32 {
    end - start
}

fn main() {
    let users = vec![1, 2, 3];
    let _ = multicore::par_ranges!(users, render);
}
