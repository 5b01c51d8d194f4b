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

/// What a part printed that ended well; what it complained about goes to this program's complaints if not.
///
/// # Panics
/// When it did not.
pub fn outcome(ended: crate::fixture::Ended) -> String {
    assert!(ended.status.success(), "{}\n{}{}", ended.status, ended.stdout, ended.stderr);
    ended.stdout
}

/// A sheet with one column a name and one row for each method.
pub fn sheet(found: &[(&str, Found)]) -> Sheet {
    let names = found.first().map(|(_, one)| one.0.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>());
    let mut sheet = Sheet::new(1, &[vec!["by"], names.unwrap_or_default()].concat());
    for (method, one) in found {
        let numbers = one.0.iter().map(|(_, number)| round(*number));
        sheet.row(std::iter::once((*method).to_owned()).chain(numbers));
    }
    sheet
}

fn round(number: f64) -> String {
    if number.fract() == 0.0 { format!("{number}") } else { format!("{number:.2}") }
}
