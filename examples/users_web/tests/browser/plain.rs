//! Without scripts.

use serde_json::json;

use crate::report::{SECONDS, begin};
use crate::visit;

#[test]
#[cfg_attr(not(browser), ignore = "needs Debian's packages chromium and chromium-driver")]
fn everything_works_without_scripts() {
    visit(&[], async |visitor| {
        visitor.tell("Emulation.setScriptExecutionDisabled", json!({ "value": true })).await;
        visitor.open("/").await;
        visitor.press("Page 2").await;
        visitor.see(".pages", "Page 2 of 25").await;

        // The page of a report is loaded again and again, and then it is another one.
        begin(visitor, SECONDS).await;
        visitor.see("#report-result", &format!("{SECONDS} draws")).await;

        visitor.open("/upload").await;
        visitor.attach("A PNG or GIF", "good.png").await;
        visitor.press("Upload").await;
        visitor.see("#upload-result", "640 by 400 pixels").await;

        // So are the pools.
        visitor.open("/pool").await;
        visitor.text("#workers").await;
        let seen: f64 = visitor.ask("return performance.timeOrigin").await;
        visitor.until::<bool>("it is loaded again", &format!("return performance.timeOrigin > {seen}")).await;
    });
}
