//! The list of users.

use crate::visit;
use crate::visitor::Visitor;

/// The numbers of the users that are shown.
const NUMBERS: &str =
    "return [...document.querySelectorAll('#users tbody tr')].map(row => +row.cells[0].textContent)";

async fn shows(visitor: &Visitor, users: std::ops::RangeInclusive<u32>) {
    let numbers: Vec<u32> = visitor.ask(NUMBERS).await;
    assert_eq!(numbers, users.collect::<Vec<_>>());
}

#[test]
#[cfg_attr(not(browser), ignore = "needs Debian's packages chromium and chromium-driver")]
fn users_in_their_order_page_after_page() {
    visit(&[], async |visitor| {
        visitor.open("/").await;
        shows(visitor, 1..=200).await;
        let first: Vec<String> = visitor
            .ask("return [...document.querySelector('#users tbody tr').cells].map(cell => cell.innerText)")
            .await;
        assert!(first[1].contains("user1@example.org"), "{first:?}");
        assert!(
            first[3].parse::<u32>().is_ok_and(|orders| orders >= 4) && first[4].ends_with(" €"),
            "{first:?}"
        );
        // Whoever is called `<b>&` is text, and no part of the page.
        let odd: (u32, String) = visitor
            .ask(
                "const users = document.querySelector('#users'); \
                 return [users.querySelectorAll('b').length, users.rows[97].innerText]",
            )
            .await;
        assert!(odd.0 == 0 && odd.1.contains("<b>&"), "{odd:?}");

        visitor.press("Page 2").await;
        visitor.see(".pages", "Page 2 of 25").await;
        shows(visitor, 201..=400).await;

        visitor.write("Page", "5").await;
        visitor.choose("Users", "1000").await;
        visitor.press("Show").await;
        visitor.see(".pages", "Page 5 of 5").await;
        shows(visitor, 4001..=5000).await;
        let next: bool = visitor.ask("return document.querySelector('a[rel=next]') === null").await;
        assert!(next, "after the last page there is none");
    });
}

#[test]
#[cfg_attr(not(browser), ignore = "needs Debian's packages chromium and chromium-driver")]
fn how_the_list_was_made_and_why_not() {
    visit(&[400, 404, 503], async |visitor| {
        visitor.open("/").await;
        let how = visitor.see("#how", "parallel").await;
        assert!(how.contains("200 users in 4 chunks") && how.contains("worker"), "{how}");

        visitor.write("Load guard", "0").await;
        visitor.press("Show").await;
        let how = visitor.see("#how", "inline").await;
        assert!(how.contains("by the server itself") && how.contains("the load guard said no"), "{how}");
        shows(visitor, 1..=200).await;

        visitor.choose("If it says no", "refuse").await;
        visitor.press("Show").await;
        visitor.see("#how", "refused").await;
        let tables: u32 = visitor.ask("return document.querySelectorAll('#users').length").await;
        assert_eq!(tables, 0);

        visitor.open("/?page=26").await;
        visitor.see("#trouble", "There are 25 pages of 200 users").await;
        visitor.open("/?size=lots").await;
        visitor.see("#trouble", "not “lots”").await;
        visitor.open("/nowhere").await;
        visitor.see("#trouble", "Nothing is at /nowhere").await;
        visitor.press("To the list of users").await;
        visitor.see("h1", "Users").await;
    });
}
