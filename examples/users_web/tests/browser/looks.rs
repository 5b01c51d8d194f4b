//! What each page looks like: on a telephone and on a desk, by day and by night. The pictures go to
//! `target/screenshots/`, for people; the rules that a program can see to are seen to here.

use std::env;
use std::fs;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::report::{LONG, SECONDS, begin};
use crate::visit;
use crate::visitor::Visitor;

const SIZES: [(u32, u32); 2] = [(360, 800), (1280, 900)];

/// Says what is wrong with a page.
pub(crate) const AUDIT: &str = include_str!("audit.js");

/// The tallest picture.
const TALL: f64 = 1800.0;

/// Where pictures go.
pub(crate) fn folder() -> PathBuf {
    let test = env::current_exe().expect("/proc is mounted");
    let folder = test.ancestors().nth(3).expect("target/PROFILE/deps/TEST").join("screenshots");
    fs::create_dir_all(&folder).expect("our own folder");
    folder
}

pub(crate) async fn show(visitor: &Visitor, (width, height): (u32, u32), scheme: &str) {
    let screen = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600 });
    visitor.tell("Emulation.setDeviceMetricsOverride", screen).await;
    let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
    visitor.tell("Emulation.setEmulatedMedia", features).await;
}

/// The whole page, up to a height.
pub(crate) async fn picture(visitor: &Visitor, width: u32, most: f64) -> Vec<u8> {
    let height: f64 = visitor.ask("return document.documentElement.scrollHeight").await;
    let clip = json!({ "x": 0, "y": 0, "width": width, "height": height.min(most), "scale": 1 });
    let wanted = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
    let taken = visitor.tell("Page.captureScreenshot", wanted).await;
    STANDARD.decode(taken["data"].as_str().expect("a picture as text")).expect("Base64")
}

/// What `axe-core` finds, where `AXE_CORE` names its file `axe.min.js`: it knows far more rules than we check.
async fn axe(visitor: &Visitor) -> Vec<String> {
    let Some(file) = env::var_os("AXE_CORE") else { return Vec::new() };
    let library = fs::read_to_string(file).expect("AXE_CORE names the file");
    let tell =
        "return axe.run().then(found => found.passes.length < 10 ? ['axe-core has looked at nothing'] :
        found.violations.flatMap(rule => rule.nodes.map(node =>
            `${rule.id}: ${rule.help}: ${node.html.slice(0, 200)}`)))";
    visitor.ask(&format!("{library}\n{tell}")).await
}

/// The page that is open: in all sizes and colours.
async fn look(visitor: &Visitor, name: &str) {
    let mut wrong = Vec::new();
    for (width, height) in SIZES {
        for scheme in ["light", "dark"] {
            show(visitor, (width, height), scheme).await;
            let found: Vec<String> = visitor.ask(AUDIT).await;
            let found = found.into_iter().chain(axe(visitor).await);
            wrong.extend(found.map(|what| format!("{name}, {width} pixels, {scheme}: {what}")));
            let file = folder().join(format!("{name}-{width}-{scheme}.png"));
            fs::write(file, picture(visitor, width, TALL).await).expect("our own folder");
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

async fn open_and_look(visitor: &Visitor, path: &str, name: &str) {
    visitor.open(path).await;
    look(visitor, name).await;
}

async fn send_and_look(visitor: &Visitor, sample: &str, selector: &str, name: &str) {
    visitor.open("/upload").await;
    visitor.attach("A PNG or GIF", sample).await;
    visitor.press("Upload").await;
    visitor.text(selector).await;
    look(visitor, name).await;
}

#[test]
#[cfg_attr(not(browser), ignore = "needs Debian's packages chromium and chromium-driver")]
fn pages_can_be_read_and_used_by_everybody() {
    visit(&[404, 503], async |visitor| {
        open_and_look(visitor, "/?size=50", "list").await;
        open_and_look(visitor, "/?page=100&size=50&threshold=0", "list-inline").await;
        open_and_look(visitor, "/?threshold=0&busy=refuse", "list-refused").await;
        open_and_look(visitor, "/compare", "compare").await;
        open_and_look(visitor, "/compare/thread-pool?size=50", "compare-threads").await;
        open_and_look(visitor, "/nowhere", "nowhere").await;
    });
}

#[test]
#[cfg_attr(not(browser), ignore = "needs Debian's packages chromium and chromium-driver")]
fn reports_and_pools_can_be_read_and_used_by_everybody() {
    visit(&[], async |visitor| {
        open_and_look(visitor, "/report", "report").await;
        begin(visitor, 100).await;
        visitor.text("#report-result").await;
        look(visitor, "report-done").await;

        begin(visitor, LONG.min(10 * SECONDS)).await;
        let some = "return document.querySelector('#report-bar').value > 0";
        visitor.until::<bool>("a part of it is done", some).await;
        look(visitor, "report-runs").await;
        let report = visitor.place().await;
        open_and_look(visitor, "/pool", "pool").await;
        visitor.open(&report).await;
        visitor.press("Cancel").await;
        visitor.see("#report-state", "Cancelled").await;
        look(visitor, "report-cancelled").await;
        open_and_look(visitor, "/report", "reports").await;
    });
}

#[test]
#[cfg_attr(not(browser), ignore = "needs Debian's packages chromium and chromium-driver")]
fn uploads_can_be_read_and_used_by_everybody() {
    visit(&[422], async |visitor| {
        open_and_look(visitor, "/upload", "upload").await;
        send_and_look(visitor, "good.png", "#upload-result", "upload-good").await;
        send_and_look(visitor, "crash.old", "#upload-error", "upload-crash").await;
        send_and_look(visitor, "endless.old", "#upload-error", "upload-endless").await;
    });
}
