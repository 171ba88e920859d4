//! What happened, for a person to read. Every page, every request and every row is in it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use pipeline::{Failure, Report, StageReport};
use reqwest::Url;

use crate::journal::FailedRequest;
use crate::rejected::{Reason, Rejected};

/// The outcome of a job: the report of its run, and what that does not know.
#[derive(Debug)]
pub(crate) struct Summary {
    pub(crate) url: Url,
    pub(crate) database: PathBuf,
    /// How many rows the server says that it has, where it says so.
    pub(crate) rows_expected: Option<u64>,
    /// How many rows the database took.
    pub(crate) rows_stored: u64,
    /// How many rows the database had before, and has now.
    pub(crate) rows_before: u64,
    pub(crate) rows_after: u64,
    pub(crate) failed_requests: Vec<FailedRequest>,
    pub(crate) report: Report,
}

impl Summary {
    /// Whether every page came, and with them every row that the server has, and each of those is stored or rejected.
    pub(crate) fn is_success(&self) -> bool {
        self.failures().next().is_none() && self.rows_missing() == 0 && self.rows_astray() == 0
    }

    /// Pages that did not come, and batches that could not be stored.
    pub(crate) fn failures(&self) -> impl Iterator<Item = &Failure> {
        self.report.failures().iter().filter(|failure| rejected(failure).is_none())
    }

    /// Rows that did not pass.
    pub(crate) fn rejected(&self) -> impl Iterator<Item = &Rejected> {
        self.report.failures().iter().filter_map(rejected)
    }

    pub(crate) fn pages(&self) -> usize {
        self.report.items_in()
    }

    /// The pages that came and were taken apart.
    pub(crate) fn pages_done(&self) -> u64 {
        self.stage("parse").map_or(0, |stage| stage.outputs() as u64)
    }

    pub(crate) fn requests(&self) -> u64 {
        self.stage("fetch").map_or(0, |stage| stage.attempts() as u64)
    }

    pub(crate) fn rows_read(&self) -> u64 {
        self.stage("each").map_or(0, |stage| stage.outputs() as u64)
    }

    /// How many rows more, or less, than it has came from the server.
    fn rows_missing(&self) -> u64 {
        self.rows_expected.map_or(0, |rows| self.rows_read().abs_diff(rows))
    }

    /// How many rows were read and then neither stored nor rejected, or more than once. Where a batch could not be
    /// stored it is its rows; otherwise it has to be none.
    fn rows_astray(&self) -> u64 {
        self.rows_read().abs_diff(self.rows_stored + self.rejected().map(|_| 1).sum::<u64>())
    }

    fn stage(&self, name: &str) -> Option<&StageReport> {
        self.report.stages().iter().find(|stage| stage.name() == name)
    }
}

fn rejected(failure: &Failure) -> Option<&Rejected> {
    failure.error.downcast_ref()
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "from  {}", self.url)?;
        writeln!(f, "into  {}", self.database.display())?;
        self.write_sums(f)?;
        self.write_failed_requests(f)?;
        self.write_rejected(f)?;
        self.write_failures(f)?;
        writeln!(f, "\n{}", self.report)
    }
}

impl Summary {
    fn write_sums(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (pages, done) = (self.pages(), self.pages_done());
        let failed = (pages as u64).saturating_sub(done);
        let (requests, unanswered) = (self.requests(), self.failed_requests.len());
        let answered = requests.saturating_sub(unanswered as u64);
        let (stored, rejected) = (grouped(self.rows_stored), self.rejected().count());
        let before = grouped(self.rows_before);
        let rule = "─".repeat(56);
        writeln!(f, "{rule}")?;
        for (what, sum, parts) in [
            ("pages", grouped(pages), format!("= {done} done + {failed} failed")),
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
            let astray = grouped(self.rows_astray());
            writeln!(f, "The rows do not add up: {astray} were neither stored nor rejected.")?;
        }
        Ok(())
    }

    fn write_failed_requests(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.failed_requests.is_empty() {
            writeln!(f, "\nrequests that failed")?;
        }
        for request in &self.failed_requests {
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
        for (reason, mut codes) in reasons {
            codes.sort_unstable();
            writeln!(f, "  {:>4}  {reason}: {}", grouped(codes.len()), codes.join(" "))?;
        }
        Ok(())
    }

    fn write_failures(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.failures().next().is_some() {
            writeln!(f, "\nfailures")?;
        }
        for Failure { index, error, .. } in self.failures() {
            // A batch stands where the page of its first row does.
            let what = if error.stage() == "upsert" { "a batch from page" } else { "page" };
            writeln!(f, "  {what} {:>3}: {error:#}", index + 1)?;
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
    use std::error::Error;

    use pipeline::{ErrorMode, pipeline, stage};

    use super::*;

    #[stage(name = "validate")]
    fn rejects_nines(row: u32) -> Result<u32, Rejected> {
        if row == 9 { Err(Rejected { code: "NINE".to_owned(), reason: Reason::NoCode }) } else { Ok(row) }
    }

    /// A run over one page of these rows.
    async fn summary(expected: Option<u64>, rows: &[u32], stored: u64) -> Result<Summary, Box<dyn Error>> {
        let run = pipeline![Vec<u32>: each => rejects_nines].on_error(ErrorMode::Collect);
        Ok(Summary {
            url: "http://host/rows".parse()?,
            database: PathBuf::new(),
            rows_expected: expected,
            rows_stored: stored,
            rows_before: 0,
            rows_after: stored,
            failed_requests: Vec::new(),
            report: run.drain([rows.to_vec()]).await?,
        })
    }

    #[tokio::test]
    async fn rows_that_did_not_come_are_no_success_though_every_page_came() -> Result<(), Box<dyn Error>> {
        assert!(summary(Some(3), &[1, 2, 3], 3).await?.is_success());
        assert!(summary(None, &[1, 2, 3], 3).await?.is_success());
        let short = summary(Some(5), &[1, 2, 3], 3).await?;
        assert!(!short.is_success());
        assert!(short.to_string().contains("2 rows fewer than the 5"), "{short}");
        Ok(())
    }

    #[tokio::test]
    async fn rows_that_were_neither_stored_nor_rejected_are_no_success() -> Result<(), Box<dyn Error>> {
        assert!(summary(Some(3), &[1, 2, 9], 2).await?.is_success());
        let astray = summary(Some(3), &[1, 2, 9], 1).await?;
        assert!(!astray.is_success());
        assert!(astray.to_string().contains("1 were neither stored nor rejected"), "{astray}");
        Ok(())
    }

    #[test]
    fn long_numbers_are_grouped() {
        let numbers = [0, 12, 123, 1_234, 123_456, 1_234_567].map(grouped);
        assert_eq!(numbers, ["0", "12", "123", "1,234", "123,456", "1,234,567"]);
    }
}
