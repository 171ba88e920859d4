//! What happened, for a person to read. Every page, every request and every row is in it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use pipeline::StageError;
use reqwest::Url;

use crate::journal::Journal;
use crate::rejected::{Reason, Rejected};
use crate::store::Stored;

/// The outcome of a job.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) url: Url,
    pub(crate) database: PathBuf,
    /// One result for each page, in the order of the pages.
    pub(crate) pages: Vec<Result<Stored, StageError>>,
    pub(crate) journal: Journal,
    /// How many rows the server says that it has, where it says so.
    pub(crate) rows_expected: Option<u64>,
    /// How many rows the database had before, and has now.
    pub(crate) rows_before: u64,
    pub(crate) rows_after: u64,
    pub(crate) elapsed: Duration,
}

impl Report {
    /// Whether every page came, and with them every row that the server has, and each of those is accounted for.
    pub(crate) fn is_success(&self) -> bool {
        self.failed().next().is_none() && self.rows_missing() == 0 && self.rows_astray() == 0
    }

    pub(crate) fn done(&self) -> impl Iterator<Item = &Stored> {
        self.pages.iter().filter_map(|page| page.as_ref().ok())
    }

    /// The pages that did not come, by their numbers: the first is 1.
    pub(crate) fn failed(&self) -> impl Iterator<Item = (usize, &StageError)> {
        self.pages.iter().zip(1..).filter_map(|(page, number)| Some((number, page.as_ref().err()?)))
    }

    pub(crate) fn rows_read(&self) -> u64 {
        self.done().map(|page| page.read).sum()
    }

    pub(crate) fn rows_stored(&self) -> u64 {
        self.done().map(|page| page.written).sum()
    }

    pub(crate) fn rejected(&self) -> impl Iterator<Item = &Rejected> {
        self.done().flat_map(|page| &page.rejected)
    }

    /// How many rows more, or less, than it has came from the server.
    fn rows_missing(&self) -> u64 {
        self.rows_expected.map_or(0, |rows| self.rows_read().abs_diff(rows))
    }

    /// How many rows were read and then neither stored nor rejected, or more than once. It has to be none.
    fn rows_astray(&self) -> u64 {
        self.rows_read().abs_diff(self.rows_stored() + self.rejected().map(|_| 1).sum::<u64>())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "from  {}", self.url)?;
        writeln!(f, "into  {}", self.database.display())?;
        self.write_sums(f)?;
        self.write_failed_requests(f)?;
        self.write_rejected(f)?;
        self.write_failed_pages(f)?;
        writeln!(f, "\ntook {:.2}s", self.elapsed.as_secs_f64())
    }
}

impl Report {
    fn write_sums(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (done, failed) = (self.done().count(), self.failed().count());
        let (requests, unanswered) = (self.journal.requests(), self.journal.failed().len());
        let (stored, rejected) = (grouped(self.rows_stored()), self.rejected().count());
        let answered = requests - unanswered;
        let before = grouped(self.rows_before);
        let rule = "─".repeat(56);
        writeln!(f, "{rule}")?;
        for (what, sum, parts) in [
            ("pages", grouped(self.pages.len()), format!("= {done} done + {failed} failed")),
            ("requests", grouped(requests), format!("= {answered} answered + {unanswered} failed")),
            ("rows read", grouped(self.rows_read()), format!("= {stored} stored + {rejected} rejected")),
            ("rows in table", grouped(self.rows_after), format!("  ({before} before this run)")),
        ] {
            writeln!(f, "  {what:<14}{sum:>8}  {parts}")?;
        }
        writeln!(f, "{rule}")?;
        if let Some(expected) = self.rows_expected.filter(|_| self.rows_missing() > 0) {
            let which = if self.rows_read() < expected { "fewer" } else { "more" };
            let (missing, expected) = (grouped(self.rows_missing()), grouped(expected));
            writeln!(f, "That is {missing} rows {which} than the {expected} that the server says it has.")?;
        }
        if self.rows_astray() > 0 {
            writeln!(f, "The rows do not add up: {} went astray.", grouped(self.rows_astray()))?;
        }
        Ok(())
    }

    fn write_failed_requests(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed = self.journal.failed();
        if !failed.is_empty() {
            writeln!(f, "\nrequests that failed")?;
        }
        for request in failed {
            writeln!(f, "  page {:>3}, attempt {}: {}", request.page + 1, request.attempt, request.said)?;
        }
        Ok(())
    }

    fn write_rejected(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut reasons: BTreeMap<Reason, Vec<&str>> = BTreeMap::new();
        for Rejected { code, reason } in self.rejected() {
            reasons.entry(*reason).or_default().push(code);
        }
        if !reasons.is_empty() {
            writeln!(f, "\nrows rejected")?;
        }
        for (reason, codes) in reasons {
            writeln!(f, "  {:>4}  {reason}: {}", grouped(codes.len()), codes.join(" "))?;
        }
        Ok(())
    }

    fn write_failed_pages(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.failed().next().is_some() {
            writeln!(f, "\npages that failed")?;
        }
        for (number, error) in self.failed() {
            writeln!(f, "  page {number:>3}: {error}")?;
        }
        Ok(())
    }
}

/// 3376 → 3,376
fn grouped(number: impl fmt::Display) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.char_indices() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run of one page, which came.
    fn report(rows_expected: Option<u64>, read: u64, written: u64) -> Report {
        Report {
            url: "http://host/rows".parse().expect("a URL"),
            database: PathBuf::new(),
            pages: vec![Ok(Stored { read, written, rejected: Vec::new() })],
            journal: Journal::default(),
            rows_expected,
            rows_before: 0,
            rows_after: written,
            elapsed: Duration::ZERO,
        }
    }

    #[test]
    fn rows_that_did_not_come_are_no_success_though_every_page_came() {
        assert!(report(Some(3), 3, 3).is_success());
        assert!(report(None, 3, 3).is_success());
        let short = report(Some(5), 3, 3);
        assert!(!short.is_success());
        assert!(short.to_string().contains("2 rows fewer than the 5"), "{short}");
    }

    #[test]
    fn rows_that_were_neither_stored_nor_rejected_are_no_success() {
        let astray = report(Some(3), 3, 2);
        assert!(!astray.is_success());
        assert!(astray.to_string().contains("1 went astray"), "{astray}");
    }

    #[test]
    fn long_numbers_are_grouped() {
        let numbers = [0, 12, 123, 1_234, 123_456, 1_234_567].map(grouped);
        assert_eq!(numbers, ["0", "12", "123", "1,234", "123,456", "1,234,567"]);
    }
}
