use multicore::Queue;

#[multicore::task]
fn log(files: Queue<std::fs::File>) -> usize {
    files.len()
}

fn main() {}
