#[multicore::task]
fn render(chunk: &[u32]) -> u32 {
    chunk.iter().sum()
}

fn main() {
    let users = vec![String::new()];
    let _ = multicore::par_ranges!(users, render);
}
