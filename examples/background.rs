//! Work behind a web page: one request starts a report, others find it by its ID and watch it, one collects it.
use std::thread;
use std::time::Duration;

use multicore::{JobId, JobState, Pool};

#[multicore::task]
fn report(year: u32, pages: u64) -> Result<String, String> {
    if year > 2100 {
        return Err(format!("nothing is known of {year}"));
    }
    let mut total = 0;
    for page in 0..pages {
        multicore::progress(page, pages, "adding up");
        total += (0..20_000).fold(u64::from(year), |sum, n| sum ^ (sum << 7) ^ n) % 100;
        thread::sleep(Duration::from_millis(5));
    }
    multicore::progress(pages, pages, "written");
    Ok(format!("report of {year}: {pages} pages, {} in total", total))
}

#[multicore::task]
fn greet(name: &str) -> String {
    format!("hello {name}")
}

/// `POST /reports`: answers at once, with where to look.
fn start(pool: &Pool, year: u32) -> multicore::Result<String> {
    let job = pool.background(report::call(year, 40).retries(1))?;
    Ok(format!("/reports/{}", job.id()))
}

/// `GET /reports/ID`: what a page that asks again and again shows; `None` is a 404.
fn show(path: &str) -> Option<(JobState, String)> {
    let id: JobId = path.strip_prefix("/reports/")?.parse().ok()?;
    let job = multicore::find(id)?;
    let (state, progress) = (job.state(), job.progress().unwrap_or_default());
    let percent = if state == JobState::Done { 100.0 } else { (100.0 * progress.fraction()).floor() };
    Some((state, format!("{state} {percent} % {}", progress.message)))
}

/// `GET /reports/ID/text`: the report, to whoever asks first.
fn collect(path: &str) -> Option<multicore::Result<Result<String, String>>> {
    let id: JobId = path.strip_prefix("/reports/")?.parse().ok()?;
    multicore::find(id)?.downcast().ok()?.take()
}

fn main() -> multicore::Result<()> {
    let pool = Pool::builder().workers(2).keep_results(Duration::from_secs(600)).build()?;
    let paths = (2000..2006).map(|year| start(&pool, year)).collect::<multicore::Result<Vec<_>>>()?;

    // Requests that somebody waits for are answered meanwhile, by the worker that is kept for them.
    assert_eq!(pool.spawn(greet::call("world").priority(3))?.get()?, "hello world");

    // Other requests, in other threads, know nothing but the path.
    let mut seen = Vec::new();
    let watched = &paths[0];
    while let Some((state, line)) =
        thread::scope(|scope| scope.spawn(|| show(watched)).join()).expect("no panic")
    {
        if seen.last() != Some(&line) {
            seen.push(line);
        }
        if state.is_finished() {
            break;
        }
        thread::sleep(Duration::from_millis(1));
    }
    assert!(seen.last().is_some_and(|line| line.starts_with("done 100 %")), "{seen:?}");

    for (year, path) in (2000..).zip(&paths) {
        let id: JobId = path["/reports/".len()..].parse()?;
        let job = multicore::find(id).expect("kept for ten minutes");
        assert_eq!(job.wait(), JobState::Done);
        let times = job.timestamps();
        assert!(times.queued <= times.finished.expect("it is done"));
        let text = collect(path).expect("nobody has collected it")?;
        assert!(text.is_ok_and(|text| text.starts_with(&format!("report of {year}: 40 pages"))));
        assert!(collect(path).is_none(), "a result is collected once");
    }

    // A task's own error is a result like any other; a cancelled job has none; a wrong ID is nobody's.
    let job = pool.background(report::call(9999, 1))?;
    assert_eq!(job.get().expect("nobody else takes it")?, Err("nothing is known of 9999".to_owned()));
    assert!(show("/reports/00112233445566778899aabbccddeeff").is_none());
    println!(
        "{} reports, one watched through {} looks, the last: {}",
        paths.len(),
        seen.len(),
        seen[seen.len() - 1]
    );
    Ok(())
}
