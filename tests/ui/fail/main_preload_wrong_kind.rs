static USERS: std::sync::LazyLock<u32> = std::sync::LazyLock::new(|| 1);

#[multicore::main(preload = USERS)]
fn main() {
    let _ = *USERS;
}
