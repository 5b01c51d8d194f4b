#[multicore::task]
fn apply(function: Box<dyn Fn(u32) -> u32>, value: u32) -> u32 {
    function(value)
}

fn main() {}
