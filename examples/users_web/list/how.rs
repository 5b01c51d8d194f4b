//! How a list was made, told to the visitor.

use std::time::Duration;

use maud::{Markup, html};

use crate::list::work::Chunk;

/// Where the table was made.
pub(super) enum How {
    Parallel,
    /// In the server's own process, one part after another.
    Inline,
    Refused(String),
}

impl How {
    fn word(&self) -> &'static str {
        match self {
            How::Parallel => "parallel",
            How::Inline => "inline",
            How::Refused(_) => "refused",
        }
    }
}

pub(super) fn told(how: &How, chunks: &[Chunk], took: Duration) -> Markup {
    let mut processes: Vec<_> = chunks.iter().map(|chunk| chunk.process).collect();
    processes.sort_unstable();
    processes.dedup();
    let users: usize = chunks.iter().map(|chunk| chunk.users).sum();
    let sum = html! { (users) " users in " (chunks.len()) " chunks, in " strong { (millis(took)) } };
    html! {
        section #how.how data-how=(how.word()) aria-label="How this page was made" {
            @match how {
                How::Parallel => p {
                    span.badge.good { "parallel" } " " (sum) " by " (workers(&processes)) "."
                },
                How::Inline => p {
                    span.badge.fair { "inline" } " " (sum) " by the server itself (" (list_of(&processes))
                    "), one after another: the load guard said no to the workers."
                },
                How::Refused(why) => p role="alert" {
                    span.badge.bad { "refused" } " The load guard said no to the workers, and you chose not to have it "
                    "done by the server itself. To its author the call says: " q { (why) } "."
                },
            }
            @if !chunks.is_empty() {
                details {
                    summary { "Each chunk" }
                    table {
                        caption.hidden { "Chunks of this page" }
                        thead {
                            tr {
                                th scope="col" { "Chunk" }
                                @for name in ["Users", "Process", "Took"] { th.number scope="col" { (name) } }
                            }
                        }
                        tbody {
                            @for (number, chunk) in (1..).zip(chunks) {
                                tr {
                                    th scope="row" { (number) }
                                    td.number { (chunk.users) }
                                    td.number { (chunk.process) }
                                    td.number { (millis(chunk.took)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

pub(crate) fn millis(took: Duration) -> String {
    format!("{:.1} ms", 1000.0 * took.as_secs_f64())
}

fn workers(processes: &[u32]) -> String {
    match processes {
        [one] => format!("worker {one}"),
        all => format!("{} workers ({})", all.len(), list_of(all)),
    }
}

fn list_of(processes: &[u32]) -> String {
    processes.iter().map(u32::to_string).collect::<Vec<_>>().join(", ")
}
