trait Job {
    #[multicore::forked]
    fn run(&self) -> u32;
}

fn main() {}
