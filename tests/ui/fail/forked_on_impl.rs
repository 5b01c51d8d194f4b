struct Job;

#[multicore::forked]
impl Job {
    fn run(&self) -> u32 {
        1
    }
}

fn main() {}
