#[multicore::resource]
fn db() -> Result<String, std::env::VarError> {
    std::env::var("DATABASE_URL")
}

fn main() {
    println!("{}", db::get().len());
}
