//! The application `users_web`, as somebody sees it who visits it: in a real browser, without a window.
//!
//! Each test has an application, a database and a browser of its own; at its end none of them is left. No page
//! may say anything in the console, and no request may fail but those that a test expects to.

mod application;
mod chromium;
mod folder;
mod journal;
mod process;
mod visitor;

mod keyboard;
mod list;
mod looks;
mod picture;
mod plain;
mod pools;
mod postgres;
mod report;
mod strict;
mod upload;

use std::time::Duration;

use crate::application::Application;
use crate::chromium::Chromium;
use crate::visitor::Visitor;

/// A test that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(240);

/// Visits a new application; answers with one of these statuses are no surprise.
fn visit(expected: &[u64], visit: impl AsyncFnOnce(&Visitor)) {
    visit_at(None, expected, visit);
}

/// The same of one whose database is at this URL.
fn visit_at(url: Option<&str>, expected: &[u64], visit: impl AsyncFnOnce(&Visitor)) {
    let application = Application::start(url);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let work = async {
            let chromium = Chromium::start().await;
            let visitor = Visitor::new(chromium.driver.clone(), &application.address, application.folder());
            visit(&visitor).await;
            let complaints = journal::complaints(&chromium.driver, &application.address, expected).await;
            assert!(complaints.is_empty(), "{complaints:#?}");
            chromium.quit().await;
        };
        tokio::time::timeout(LIMIT, work).await.expect("a visit comes to an end");
    });
    application.end();
}
