//! Without a mouse.

use thirtyfour::Key;

use crate::visit;
use crate::visitor::Visitor;

/// What can have the focus, in its order.
const ALL: &str =
    "const all = [...document.querySelectorAll('a[href], button, input, select, textarea, summary')]
    .filter(one => one.checkVisibility());";

/// Whether this one has it, and that is to be seen: inside the window, and with a ring around it.
const SEEN: &str = "const style = getComputedStyle(one), place = one.getBoundingClientRect();
    return document.activeElement === one && one.matches(':focus-visible') && place.width > 0
        && place.left >= 0 && place.right <= innerWidth + 1 && place.top >= -1 && place.bottom <= innerHeight + 1
        && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;";

/// Presses Tab through the whole page: everything is reached, in its order, and seen.
async fn reaches_all(visitor: &Visitor, path: &str) {
    visitor.open(path).await;
    let names: Vec<String> = visitor
        .ask(&format!("{ALL} return all.map(one => one.textContent.trim().slice(0, 40) || one.id)"))
        .await;
    assert!(names.len() > 7, "{path} has {names:?}");
    for (number, name) in names.iter().enumerate() {
        visitor.key(Key::Tab).await;
        // A page that has to move for it does so a moment later.
        let what = format!("{path}: the focus is to be seen on “{name}”");
        visitor.until::<bool>(&what, &format!("{ALL} const one = all[{number}]; {SEEN}")).await;
    }
}

/// Until the control of this name or text has the focus.
async fn tab_to(visitor: &Visitor, id: &str) {
    for _ in 0..40 {
        let here: bool = visitor.ask(&format!("return document.activeElement.matches('{id}')")).await;
        if here {
            return;
        }
        visitor.key(Key::Tab).await;
    }
    panic!("Tab does not lead to {id}");
}

#[test]
#[cfg_attr(not(browser), ignore = "needs Debian's packages chromium and chromium-driver")]
fn tab_reaches_everything_and_shows_where() {
    visit(&[], async |visitor| {
        for path in ["/?size=50", "/report", "/upload", "/compare?size=50"] {
            reaches_all(visitor, path).await;
        }
        // Past the navigation at once.
        visitor.open("/report").await;
        visitor.key(Key::Tab).await;
        visitor.key(Key::Enter).await;
        visitor.until::<bool>("the content was jumped to", "return location.hash === '#main'").await;
        visitor.key(Key::Tab).await;
        let id: String = visitor.ask("return document.activeElement.id").await;
        assert_eq!(id, "rounds");

        // The pools are looked at again and again, and that takes the focus from nobody.
        visitor.open("/pool").await;
        tab_to(visitor, "#workers button").await;
        visitor.ask::<bool>("performance.clearResourceTimings(); return true").await;
        let looks = "return performance.getEntriesByType('resource').length >= 3";
        visitor.until::<bool>("it was looked at again", looks).await;
        let stays: bool = visitor.ask("return document.activeElement.matches('#workers button')").await;
        assert!(stays, "the focus is lost");
    });
}

#[test]
#[cfg_attr(not(browser), ignore = "needs Debian's packages chromium and chromium-driver")]
fn a_report_is_begun_and_cancelled_by_keys() {
    visit(&[], async |visitor| {
        visitor.open("/report").await;
        tab_to(visitor, "#rounds").await;
        visitor.key(Key::End).await;
        let chosen: String = visitor.ask("return document.querySelector('#rounds').value").await;
        assert_eq!(chosen, "1000000");
        visitor.key(Key::Tab).await;
        visitor.key(Key::Enter).await;
        visitor.text("#report-state").await;
        tab_to(visitor, "#report-cancel").await;
        visitor.key(Key::Space).await;
        visitor.see("#report-state", "Cancelled").await;
    });
}
