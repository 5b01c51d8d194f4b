//! Two tasks with one name compile, and are an error each time the table is asked.

#[multicore::task(name = "billing.total")]
fn total(amount: u32) -> u32 {
    amount
}

mod other {
    #[multicore::task(name = "billing.total")]
    pub fn total(amount: u64) -> u64 {
        amount
    }
}

fn main() {
    let _ = (total::call(1), other::total::call(1));
    for _ in 0..2 {
        let error = multicore::tasks().unwrap_err().to_string();
        assert!(error.contains("the name `billing.total`"), "{error}");
        assert!(error.contains("duplicate_names.rs:4:4, one at"), "{error}");
        assert!(error.contains("duplicate_names.rs:10:12;"), "{error}");
    }
}
