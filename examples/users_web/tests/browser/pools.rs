//! The page of the pools.

use std::path::Path;

use crate::report::{LONG, begin};
use crate::visit;
use crate::visitor::Visitor;

/// Waits until the row of some worker says that it does this.
async fn somebody_does(visitor: &Visitor, task: &str) -> String {
    let script = format!(
        "return [...document.querySelectorAll('#workers tbody tr')]
            .find(row => row.querySelector('code')?.innerText === '{task}')?.cells[0].innerText"
    );
    visitor.until(&format!("a worker does {task}"), &script).await
}

/// A number of the first pool, by the name of its row.
fn number(name: &str) -> String {
    format!(
        "+[...document.querySelectorAll('#stats tbody tr')]
            .find(row => row.cells[0].innerText === '{name}').cells[1].innerText"
    )
}

#[test]
#[cfg_attr(not(browser), ignore = "needs Debian's packages chromium and chromium-driver")]
fn workers_and_what_they_do() {
    visit(&[], async |visitor| {
        visitor.open("/pool").await;
        let workers: Vec<u32> = visitor
            .until(
                "all workers have begun",
                "const rows = [...document.querySelectorAll('#workers tbody tr')].filter(row => row.cells.length > 1);
                const names = rows.map(row => +row.cells[0].innerText);
                return names.every(name => name > 0) && names",
            )
            .await;
        assert_eq!(workers.len(), 4, "two for pages and reports, two for uploads");
        for worker in &workers {
            assert!(Path::new(&format!("/proc/{worker}")).exists(), "{worker} is no process");
        }

        begin(visitor, LONG).await;
        let report = visitor.place().await;
        visitor.open("/pool").await;
        visitor.ask::<bool>("return window.stays = true").await;
        let busy = somebody_does(visitor, "report").await;
        assert!(workers.iter().any(|worker| busy == worker.to_string()), "{busy} is none of {workers:?}");
        let running: u32 = visitor.ask(&format!("return {}", number("… running"))).await;
        assert_eq!(running, 1);

        // The page looks again by itself, until that is not wanted.
        let look = "return document.querySelector('#pool-live').innerText";
        let seen: String = visitor.ask(look).await;
        let script = format!(
            "return window.stays && document.querySelector('#pool-live').innerText !== {}",
            serde_json::json!(seen)
        );
        visitor.until::<bool>("the numbers are new ones", &script).await;

        visitor.open(&report).await;
        visitor.press("Cancel").await;
        visitor.see("#report-state", "Cancelled").await;
        visitor.open("/pool").await;
        let replaced = format!("return {} === 1 && {} === 0", number("… cancelled"), number("… running"));
        visitor.until::<bool>("the report is counted", &replaced).await;

        // One that is ended from outside is replaced as well.
        visitor.open("/pool").await;
        let first = "const name = +document.querySelectorAll('#workers tbody tr')[1].cells[0].innerText;";
        let before: u32 = visitor.until("it has begun", &format!("{first} return name > 0 && name")).await;
        visitor.press("End").await;
        let script = format!("{first} return name > 0 && name !== {before} && name");
        visitor.until::<u32>("another one has taken its place", &script).await;
        visitor.until::<bool>("it is counted", &format!("return {} === 1", number("… that died"))).await;
        visitor.open("/").await;
        visitor.see("#how", "parallel").await;
    });
}
