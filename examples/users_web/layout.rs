//! What all pages look like, and the files that they need.

use axum::Router;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use maud::{DOCTYPE, Markup, PreEscaped, html};

const PAGES: [(&str, &str); 5] = [
    ("/", "Users"),
    ("/report", "Report"),
    ("/upload", "Upload"),
    ("/pool", "Pools"),
    ("/compare", "Compare"),
];

/// A page; `path` is the one that it is under in the navigation.
pub(crate) fn page(title: &str, path: &str, body: Markup) -> Markup {
    page_with(title, path, html! {}, body)
}

/// A page that looks again after a second or two where there is no script.
pub(crate) fn live_page(title: &str, path: &str, seconds: u32, body: Markup) -> Markup {
    page_with(title, path, html! { noscript { meta http-equiv="refresh" content=(seconds); } }, body)
}

fn page_with(title: &str, path: &str, head: Markup, body: Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · users_web" }
                link rel="icon" href="/icon.svg" type="image/svg+xml";
                link rel="stylesheet" href="/style.css";
                script src="/script.js" defer {}
                (head)
            }
            body {
                a.skip href="#main" { "To the content" }
                header {
                    p.name { "users_web" }
                    nav aria-label="Pages" {
                        @for (to, name) in PAGES {
                            a href=(to) aria-current=[(to == path).then_some("page")] { (name) }
                        }
                    }
                }
                main #main { (body) }
                footer {
                    p { "Pages, reports and uploads run in worker processes, by " code { "multicore" } "." }
                }
            }
        }
    }
}

/// Text that is HTML already.
pub(crate) fn ready(html: String) -> PreEscaped<String> {
    PreEscaped(html)
}

/// The files. They cost nothing, and a page that says "busy" needs them as well.
pub(crate) fn files<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/style.css", get(|| file("text/css", include_str!("assets/style.css"))))
        .route("/script.js", get(|| file("text/javascript", include_str!("assets/script.js"))))
        .route("/icon.svg", get(|| file("image/svg+xml", include_str!("assets/icon.svg"))))
}

async fn file(kind: &'static str, text: &'static str) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], text)
}
