struct Server;

impl Server {
    #[multicore::resource]
    fn db() -> String {
        String::new()
    }
}

fn main() {}
