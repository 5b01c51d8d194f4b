struct Job(u32);

fn main() {
    let jobs = multicore::Queue::new(4);
    jobs.unwrap().push(Job(1)).unwrap();
}
