//! Reports: begun, watched, read, cancelled.

use crate::visit;
use crate::visitor::Visitor;

/// Begins one of so many draws for each user. People choose from three; a test build needs one in between.
pub(crate) async fn begin(visitor: &Visitor, rounds: u32) {
    visitor.open("/report").await;
    let script = format!("document.querySelector('#rounds option:checked').value = '{rounds}'; return true");
    visitor.ask::<bool>(&script).await;
    visitor.press("Generate report").await;
    visitor.see("h1", "Report ").await;
}

/// A report of some seconds: a test build takes ten times as long for the same.
pub(crate) const SECONDS: u32 = if cfg!(debug_assertions) { 15_000 } else { 150_000 };

/// Longer than anybody looks at it.
pub(crate) const LONG: u32 = 1_000_000;

/// Waits until the bar of this very page is above the value; the new one.
async fn grows(visitor: &Visitor, above: f64) -> f64 {
    let script = format!(
        "const bar = document.querySelector('#report-bar');
        return window.stays && bar?.value > {above} && bar.value"
    );
    visitor.until(&format!("the bar grows above {above}"), &script).await
}

async fn stay(visitor: &Visitor) {
    visitor.ask::<bool>("return window.stays = true").await;
}

#[test]
#[cfg_attr(not(browser), ignore = "needs Debian's packages chromium and chromium-driver")]
fn a_report_grows_and_is_read() {
    visit(&[], async |visitor| {
        begin(visitor, SECONDS).await;
        stay(visitor).await;
        let first = grows(visitor, 0.0).await;
        grows(visitor, first).await;
        // In words as well; and by whom it is being done.
        visitor.until::<bool>(
            "a percentage in words",
            "const [text, bar] = ['percent', 'bar'].map(name => document.querySelector('#report-' + name));
            return !bar || text.innerText === bar.textContent && text.innerText === bar.value + ' %'",
        )
        .await;
        let result = visitor.text("#report-result").await;
        assert!(
            result.contains("What 5000 users spend on average")
                && result.contains(&format!("{SECONDS} draws")),
            "{result}"
        );
        visitor.see("#report-state", "Done").await;
        let rows: u32 =
            visitor.ask("return document.querySelectorAll('#report-result tbody tr').length").await;
        assert_eq!(rows, 16, "one for each city");
        let place = visitor.place().await;

        // Whoever comes later finds it.
        visitor.press("Another report").await;
        visitor.see(".reports", "done").await;
        visitor.press("Report ").await;
        visitor.text("#report-result").await;
        assert_eq!(visitor.place().await, place);
    });
}

#[test]
#[cfg_attr(not(browser), ignore = "needs Debian's packages chromium and chromium-driver")]
fn a_report_goes_on_through_a_reload_and_is_cancelled() {
    visit(&[], async |visitor| {
        begin(visitor, LONG.min(10 * SECONDS)).await;
        stay(visitor).await;
        let before = grows(visitor, 0.0).await;
        visitor.reload().await;
        stay(visitor).await;
        let loaded: f64 = visitor.ask("return document.querySelector('#report-bar').value").await;
        assert!(loaded >= before, "{loaded} after {before}: it began anew");
        grows(visitor, loaded).await;

        visitor.press("Cancel").await;
        visitor.see("#report-state", "Cancelled").await;
        visitor.reload().await;
        visitor.see("#report-state", "Cancelled").await;

        // The worker is another one, and writes the next report.
        begin(visitor, 100).await;
        visitor.see("#report-result", "100 draws").await;
    });
}
