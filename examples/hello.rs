//! Annotate a function, and every core runs it.
use multicore::{Task, par_ranges};
use std::sync::LazyLock;

static USERS: LazyLock<Vec<String>> = LazyLock::new(|| (0..100).map(|n| format!("user {n}")).collect());

#[multicore::task]
fn render(start: usize, end: usize) -> String {
    USERS[start..end].join(", ")
}

fn main() -> multicore::Result<()> {
    let here = render(0, 100); // still an ordinary function: this runs right here

    let mut task = Task::new(); // one range for each worker process, results in order
    for (start, end) in multicore::ranges(&*USERS) {
        task.run(render::call(start, end))?;
    }
    assert_eq!(task.get()?.join(", "), here);

    let pages = par_ranges!(USERS, render)?; // the same in one line, in finer chunks
    assert_eq!(pages.join(", "), here);
    println!("{} users, {} chunks: {:.40}…", USERS.len(), pages.len(), here);
    Ok(())
}
