#[multicore::task]
fn forever() -> ! {
    loop {}
}

fn main() {}
