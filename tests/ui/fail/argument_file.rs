use std::fs::File;

#[multicore::task]
fn size(file: File) -> u64 {
    file.metadata().unwrap().len()
}

fn main() {}
