//! What both pools have done since they were opened.

use maud::{Markup, html};
use multicore::{Histogram, Stats};

/// One row for each number, one column for each pool.
pub(super) fn table(stats: &[(&str, Stats); 2]) -> Markup {
    let row = |name: &str, tell: &dyn Fn(&Stats) -> String| {
        html! {
            tr { th scope="row" { (name) } @for (_, stats) in stats { td.number { (tell(stats)) } } }
        }
    };
    html! {
        table #stats {
            caption { "Since the start" }
            thead {
                tr { th scope="col" { "What" } @for (name, _) in stats { th.number scope="col" { (name) } } }
            }
            tbody {
                (row("Calls", &|stats| stats.calls.accepted().to_string()))
                (row("… queued", &|stats| stats.calls.queued.to_string()))
                (row("… running", &|stats| stats.calls.running.to_string()))
                (row("… done", &|stats| stats.calls.done.to_string()))
                (row("… cancelled", &|stats| stats.calls.cancelled.to_string()))
                (row("… out of time", &|stats| stats.calls.timed_out.to_string()))
                (row("… whose worker died", &|stats| stats.calls.died.to_string()))
                (row("Waited: median, 99 %", &|stats| times(&stats.queue_wait)))
                (row("Ran: median, 99 %", &|stats| times(&stats.run_time)))
                (row("Workers busy", &|stats| format!("{:.0} %", 100.0 * stats.utilisation())))
                (row("Workers replaced", &|stats| stats.restarts.all().to_string()))
                (row("… that died", &|stats| stats.restarts.died.to_string()))
                (row("… out of time", &|stats| stats.restarts.timed_out.to_string()))
                (row("… cancelled", &|stats| stats.restarts.cancelled.to_string()))
                (row("… after each file", &|stats| stats.restarts.recycled.to_string()))
                (row("Connections made", &|stats| stats.resources().made.to_string()))
                (row("Sent, received", &|stats| moved(stats)))
            }
        }
    }
}

fn moved(stats: &Stats) -> String {
    format!("{} kB, {} kB", stats.bytes_sent / 1000, stats.bytes_received / 1000)
}

fn times(histogram: &Histogram) -> String {
    if histogram.is_empty() {
        return "–".to_owned();
    }
    format!("{:.1?}, {:.1?}", histogram.quantile(0.5), histogram.quantile(0.99))
}
