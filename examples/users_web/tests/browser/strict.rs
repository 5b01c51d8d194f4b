//! The checks themselves: a page that is spoilt on purpose passes none of them.

use crate::looks::{AUDIT, show};
use crate::{journal, visit};

/// What is done to a good page, and what the audit says of it then.
const SPOILT: [(&str, &str); 8] = [
    ("document.documentElement.removeAttribute('lang')", "no language"),
    ("document.querySelector('main').append(document.createElement('h1'))", "2 headings of the first level"),
    ("document.querySelector('label').remove()", "no name"),
    ("document.querySelector('main p').style.color = '#aaa'", "a contrast of "),
    ("document.querySelector('#users').style.width = '500px'", "pixels wide on a screen of 360"),
    (
        "document.querySelector('button').style.cssText = 'min-height: 0; height: 20px'",
        "too small for a finger",
    ),
    ("document.querySelector('th').removeAttribute('scope')", "heads a row or a column?"),
    ("document.querySelector('main').append(document.createElement('progress'))", "how far it is"),
];

#[test]
#[cfg_attr(not(browser), ignore = "needs Debian's packages chromium and chromium-driver")]
fn what_is_wrong_is_noticed() {
    visit(&[], async |visitor| {
        show(visitor, (360, 800), "light").await;
        visitor.open("/?size=50").await;
        for (spoil, told) in SPOILT {
            visitor.reload().await;
            let found: Vec<String> = visitor.ask(AUDIT).await;
            assert!(found.is_empty(), "{found:#?}");
            let found: Vec<String> = visitor.ask(&format!("{spoil};\n{AUDIT}")).await;
            assert!(found.iter().any(|what| what.contains(told)), "{spoil}: no “{told}” in {found:#?}");
        }

        let bad = "console.warn('a word of warning'); return fetch('/nowhere').then(answer => answer.status)";
        assert_eq!(visitor.ask::<u32>(bad).await, 404);
        let complaints = journal::complaints(&visitor.driver, visitor.address(), &[]).await.join("\n");
        for told in ["a word of warning", "status of 404", "404 from "] {
            assert!(complaints.contains(told), "no “{told}” in {complaints}");
        }
        visitor.open("/").await;
    });
}
