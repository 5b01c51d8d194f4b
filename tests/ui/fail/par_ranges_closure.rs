fn main() {
    let _ = multicore::par_ranges!(0..10, |start: usize, end: usize| end - start);
}
