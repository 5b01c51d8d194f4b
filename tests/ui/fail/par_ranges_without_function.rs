fn main() {
    let _ = multicore::par_ranges!(0..10);
}
