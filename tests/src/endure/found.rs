//! What a part found, as it tells the program that started it: named numbers, one a line.

use std::fmt::Write;

use super::part;
use super::sheet::Sheet;
use crate::watch::within;

/// Named numbers, in order.
#[derive(Clone, Debug, Default)]
pub struct Found(Vec<(String, f64)>);

impl Found {
    /// Adds one.
    pub fn add(&mut self, name: &str, number: f64) {
        self.0.push((name.to_owned(), number));
    }

    /// Adds a count.
    pub fn count(&mut self, name: &str, count: u64) {
        self.add(name, count as f64);
    }

    /// The number of this name.
    ///
    /// # Panics
    /// When nobody told it.
    pub fn get(&self, name: &str) -> f64 {
        self.0.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("nobody told `{name}`")).1
    }

    /// Tells them.
    pub fn tell(&self) {
        let text = self.0.iter().fold(String::new(), |mut text, (name, number)| {
            let _ = writeln!(text, "{name}\t{number}");
            text
        });
        print!("{text}");
    }

    /// Plays a part to its end and hears what it tells.
    ///
    /// # Panics
    /// When it does not end well, leaves somebody behind, or takes longer than `seconds`.
    pub fn by(seconds: u64, method: &str, name: &str, rest: &[&str]) -> Found {
        within(seconds, || Found::heard(&outcome(part(method, name, rest).run())))
    }

    /// What a part told.
    ///
    /// # Panics
    /// When that is something else.
    pub fn heard(text: &str) -> Found {
        let number = |line: &str| {
            let (name, number) = line.split_once('\t')?;
            Some((name.to_owned(), number.parse().ok()?))
        };
        Found(
            text.lines()
                .map(|line| number(line).unwrap_or_else(|| panic!("{line:?} is no number")))
                .collect(),
        )
    }
}

/// What a part printed that ended well.
///
/// # Panics
/// When it did not, with what it complained about last.
pub fn outcome(ended: crate::fixture::Ended) -> String {
    let last: Vec<&str> = ended.stderr.lines().rev().take(20).collect();
    let last: String = last.into_iter().rev().map(|line| format!("\n  {line}")).collect();
    assert!(ended.status.success(), "a part ended by {}:{last}", ended.status);
    ended.stdout
}

/// A sheet with a row for each name and a column for each method.
pub fn sheet(found: &[(&str, Found)]) -> Sheet {
    let methods: Vec<&str> = found.iter().map(|&(method, _)| method).collect();
    let mut sheet = Sheet::new(1, &[&[""], &methods[..]].concat());
    let names = found.iter().flat_map(|(_, one)| &one.0).map(|(name, _)| name).take(found[0].1.0.len());
    for name in names {
        let numbers = found.iter().map(|(_, one)| format!("{:.0}", one.get(name)));
        sheet.row(std::iter::once(name.clone()).chain(numbers));
    }
    sheet
}
