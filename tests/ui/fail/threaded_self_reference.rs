struct Job(u32);

impl Job {
    #[multicore::threaded]
    fn run(&self) -> u32 {
        self.0
    }
}

fn main() {}
