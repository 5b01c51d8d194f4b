//! What all pages work with.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use axum::extract::State;
use multicore::Pool;

use crate::compare::rivals::Rivals;
use crate::options::Options;
use crate::report::shelf::Shelf;
use crate::trouble::Trouble;

pub(crate) struct App {
    pub(crate) options: &'static Options,
    /// For pages and reports: its workers have connections.
    pub(crate) pool: Pool,
    /// For what visitors send: its workers can reach nothing.
    pub(crate) uploads: Pool,
    /// How many users there are.
    pub(crate) users: usize,
    pub(crate) reports: Shelf,
    pub(crate) rivals: Rivals,
    /// Whether the server has been told to end.
    pub(crate) draining: AtomicBool,
}

/// What a page is handed.
pub(crate) type Shared = State<Arc<App>>;

impl App {
    /// Ends the pools: what is queued does not begin, and what runs has its time.
    pub(crate) fn end(&self) -> Result<(), Trouble> {
        self.reports.cancel_queued();
        self.pool.shutdown();
        self.uploads.shutdown();
        Ok(())
    }

    /// Does what blocks on a thread that may be blocked.
    pub(crate) async fn apart<R: Send + 'static>(
        self: &Arc<App>,
        work: impl FnOnce(&App) -> Result<R, Trouble> + Send + 'static,
    ) -> Result<R, Trouble> {
        let app = self.clone();
        match tokio::task::spawn_blocking(move || work(&app)).await {
            Ok(result) => result,
            Err(error) => Err(Trouble::ours(error)),
        }
    }
}
