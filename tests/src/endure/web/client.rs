//! Visitors of our own, who look at what the tool does not.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use ureq::Agent;

use crate::endure::sheet::Times;

/// What takes longer hangs.
pub(super) const PATIENCE: Duration = Duration::from_secs(30);

/// One visitor, who keeps the connection.
pub(super) struct Client {
    agent: Agent,
    address: String,
}

/// What came back.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) took: Duration,
    retry_after: Option<String>,
    body: Vec<u8>,
}

/// All that a visitor saw.
#[derive(Default)]
pub(super) struct Seen {
    pub(super) statuses: BTreeMap<u16, Times>,
    /// What is not as it must be.
    pub(super) wrong: Vec<String>,
}

impl Client {
    pub(super) fn new(address: &str) -> Client {
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(PATIENCE));
        Client { agent: config.proxy(None).build().into(), address: address.to_owned() }
    }

    /// Asks for a page.
    ///
    /// # Errors
    /// When no whole answer comes within [`PATIENCE`].
    pub(super) fn get(&self, path: &str) -> Result<Answer, ureq::Error> {
        let start = Instant::now();
        let answer = self.agent.get(format!("http://{}{path}", self.address)).call()?;
        let status = answer.status().as_u16();
        let advice = answer.headers().get("retry-after");
        let retry_after = advice.and_then(|advice| advice.to_str().ok()).map(str::to_owned);
        let body = answer.into_body().read_to_vec()?;
        Ok(Answer { status, took: start.elapsed(), retry_after, body })
    }
}

impl Answer {
    pub(super) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// What is wrong with it as a page that may be refused.
    fn complaint(&self) -> Option<String> {
        let seconds = self.retry_after.as_ref().is_some_and(|advice| advice.parse::<u32>().is_ok());
        match self.status {
            200 | 503 if !self.body.ends_with(b"</html>") => Some(format!("{}: half a page", self.status)),
            200 => None,
            503 if seconds => None,
            503 => Some(format!("503 with the Retry-After {:?}", self.retry_after)),
            status => Some(format!("{status}: {}", self.text())),
        }
    }
}

impl Seen {
    /// Asks for a page that may be refused.
    pub(super) fn ask(&mut self, client: &Client, path: &str) {
        self.note(path, client.get(path), Answer::complaint);
    }

    /// Asks whether all is well, which it has to be.
    pub(super) fn ask_health(&mut self, client: &Client) {
        let well = |answer: &Answer| (answer.status != 200).then(|| answer.text());
        self.note("/healthz", client.get("/healthz"), well);
    }

    fn note(
        &mut self,
        path: &str,
        outcome: Result<Answer, ureq::Error>,
        complaint: impl Fn(&Answer) -> Option<String>,
    ) {
        match outcome {
            Ok(answer) => {
                self.statuses.entry(answer.status).or_default().add(answer.took);
                self.wrong.extend(complaint(&answer).map(|what| format!("{path}: {what}")));
            }
            Err(error) => self.wrong.push(format!("{path}: no answer: {error}")),
        }
    }
}
