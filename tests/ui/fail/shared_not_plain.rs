fn main() {
    let names = vec![String::from("one"), String::from("two")];
    let _ = multicore::share(names);
}
