//! What a browser noticed and no page shows: what scripts say, and how requests went.

use std::collections::HashSet;

use serde_json::Value;
use thirtyfour::{BrowserLogEntry, WebDriver};

/// Everything that is no good news about the pages of this server; but for answers with one of these statuses.
pub(crate) async fn complaints(driver: &WebDriver, address: &str, expected: &[u64]) -> Vec<String> {
    let console = driver.browser_log().await.expect("the browser keeps a journal");
    let requests = driver.get_log("performance").await.expect("the browser keeps a journal");
    let mut all: Vec<_> = console.iter().filter_map(|entry| said(entry, expected)).collect();
    // The page that a new browser begins with asks for its maker's, and gets no answer.
    let mut ours = HashSet::new();
    for entry in requests {
        let entry: Value = serde_json::from_str(&entry.message).expect("the browser writes JSON");
        let (method, of) = (&entry["message"]["method"], &entry["message"]["params"]);
        let request = of["requestId"].as_str().unwrap_or_default().to_owned();
        if method == "Network.requestWillBeSent" {
            if of["documentURL"].as_str().is_some_and(|page| page.starts_with(address)) {
                ours.insert(request);
            }
        } else if ours.contains(&request) {
            all.extend(failed(method.as_str().unwrap_or_default(), of, expected));
        }
    }
    assert!(!ours.is_empty(), "the journal is empty");
    all
}

/// Whatever a script or the browser itself writes there: where all is well, nothing.
fn said(entry: &BrowserLogEntry, expected: &[u64]) -> Option<String> {
    let is_expected =
        expected.iter().any(|status| entry.message.contains(&format!("with a status of {status} ")));
    (!is_expected).then(|| format!("{} in the console: {}", entry.level, entry.message))
}

/// A request without an answer, or with a bad one.
fn failed(method: &str, of: &Value, expected: &[u64]) -> Option<String> {
    match method {
        "Network.responseReceived" => {
            let status = of["response"]["status"].as_u64()?;
            let is_good = status < 400 || expected.contains(&status);
            (!is_good).then(|| format!("{status} from {}", of["response"]["url"]))
        }
        // What was under way when the visitor went elsewhere is no failure.
        "Network.loadingFailed" if of["canceled"] != true => Some(format!("no answer: {of}")),
        _ => None,
    }
}
