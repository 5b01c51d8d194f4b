struct Server;

impl Server {
    #[multicore::resource]
    fn db(&self) -> String {
        String::new()
    }
}

fn main() {}
