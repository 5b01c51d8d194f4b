use multicore::Queue;

#[multicore::task]
fn make() -> Queue<u64> {
    Queue::new(4).unwrap()
}

fn main() {}
