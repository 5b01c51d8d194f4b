#[multicore::task]
fn apply(function: fn(u32) -> u32, value: u32) -> u32 {
    function(value)
}

fn main() {}
