#[multicore::task(codec = "raw")]
fn render(pages: Vec<String>) -> String {
    pages.concat()
}

fn main() {}
