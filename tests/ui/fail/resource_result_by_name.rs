pub struct SearchResult;

#[multicore::resource]
fn last_search() -> SearchResult {
    SearchResult
}

fn main() {}
