//! Renders 100 users of 10 ms each: one after another, by `Task` and `ranges`, by `par_ranges!`, and
//! one after another again because the load guard says no.

use std::sync::LazyLock;
use std::thread::sleep;
use std::time::{Duration, Instant};

use multicore::{Task, par_ranges};

struct User {
    name: String,
}

static USERS: LazyLock<Vec<User>> =
    LazyLock::new(|| (1..=100).map(|n| User { name: format!("user {n}") }).collect());

/// What a template engine and a database would take 10 ms for.
fn render_one(user: &User) -> String {
    sleep(Duration::from_millis(10));
    format!("<li>{}</li>\n", user.name)
}

#[multicore::task]
fn render(start: usize, end: usize) -> String {
    USERS[start..end].iter().map(render_one).collect()
}

/// On all workers unless the machine is busy already, and then right here.
fn render_if_idle(max_load_average: f64) -> multicore::Result<String> {
    let Some(mut task) = Task::with_max_load_average(max_load_average) else {
        return Ok(render(0, USERS.len()));
    };
    for (start, end) in multicore::ranges(&*USERS) {
        task.run(render::call(start, end))?;
    }
    Ok(task.get()?.concat())
}

// Workers are forked here, once USERS is loaded: each has its own copy, and nothing is sent to them.
#[multicore::main(preload(USERS))]
fn main() -> multicore::Result<()> {
    multicore::set_load_source(|| 0.0); // an idle machine, whatever else runs beside this
    let (sequential, page) = timed(|| Ok(render(0, USERS.len())))?;
    assert_eq!(page.lines().count(), USERS.len());
    println!("one after another      {sequential:>6.3} s");

    let report = |what: &str, (seconds, other): (f64, String)| {
        assert_eq!(other, page);
        println!("{what:<22} {seconds:>6.3} s, {:.2} times as fast", sequential / seconds);
    };
    report("Task and ranges", timed(|| render_if_idle(0.85))?);
    report("par_ranges!", timed(|| Ok(par_ranges!(USERS, render)?.concat()))?);

    multicore::set_load_source(|| 0.95); // as if 95 % of the cores were busy
    report("the load guard says no", timed(|| render_if_idle(0.85))?);
    Ok(())
}

/// The result with the seconds that it took.
fn timed<T>(work: impl FnOnce() -> multicore::Result<T>) -> multicore::Result<(f64, T)> {
    let start = Instant::now();
    let result = work()?;
    Ok((start.elapsed().as_secs_f64(), result))
}
