//! What happened, for a person to read. Every page and every row is in it.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use pipeline::StageError;
use reqwest::Url;

use crate::airports::{Reason, Rejected};
use crate::job::Page;

/// The outcome of a job.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) url: Url,
    pub(crate) database: PathBuf,
    /// One result for each page, in the order of the pages.
    pub(crate) pages: Vec<Result<Page, StageError>>,
    /// How many rows the server says that it has, where it says so.
    pub(crate) rows_expected: Option<usize>,
    /// How many rows the database had before, and has now.
    pub(crate) rows_before: usize,
    pub(crate) rows_after: usize,
    pub(crate) elapsed: Duration,
}

impl Report {
    /// Whether every page came, and with them every row that the server has.
    pub(crate) fn is_success(&self) -> bool {
        self.failed().next().is_none() && self.rows_expected.is_none_or(|rows| rows == self.rows_read())
    }

    /// The pages that came, with their numbers.
    fn done(&self) -> impl Iterator<Item = (usize, &Page)> {
        self.pages.iter().zip(1..).filter_map(|(page, number)| Some((number, page.as_ref().ok()?)))
    }

    /// The pages that did not come, with their numbers.
    pub(crate) fn failed(&self) -> impl Iterator<Item = (usize, &StageError)> {
        self.pages.iter().zip(1..).filter_map(|(page, number)| Some((number, page.as_ref().err()?)))
    }

    pub(crate) fn rows_stored(&self) -> usize {
        self.done().map(|(_, page)| page.stored).sum()
    }

    pub(crate) fn rejected(&self) -> impl Iterator<Item = &Rejected> {
        self.done().flat_map(|(_, page)| &page.rejected)
    }

    /// The rows of all pages that came, as they were read: each of them has to be stored or rejected.
    pub(crate) fn rows_read(&self) -> usize {
        self.done().map(|(_, page)| page.read).sum()
    }

    /// Each attempt that failed at a page that came in the end: the page, the attempt, and what it said.
    fn second_tries(&self) -> impl Iterator<Item = (usize, usize, &str)> {
        self.done().flat_map(|(page, done)| done.attempts.failed().map(move |(attempt, said)| (page, attempt, said)))
    }
}
