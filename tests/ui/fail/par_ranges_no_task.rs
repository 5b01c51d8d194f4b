fn render(start: usize, end: usize) -> usize {
    end - start
}

fn main() {
    let _ = multicore::par_ranges!(0..10, render);
}
