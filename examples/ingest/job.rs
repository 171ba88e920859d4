//! The job: which pages there are, and what comes of them.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;

use pipeline::{StageError, pipeline};
use reqwest::{Client, Url};

use crate::fetch::count;
use crate::journal::Journal;
use crate::line::{App, Written, ingest};
use crate::store::{self, Database};
use crate::summary::Summary;

/// What is to be done, and with what.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) url: Url,
    pub(crate) http: Client,
    pub(crate) database: PathBuf,
    pub(crate) db: Database,
    pub(crate) page_size: NonZeroU64,
    pub(crate) concurrency: usize,
}

/// Why there is not even a summary.
#[derive(Debug)]
pub(crate) enum JobError {
    /// The server does not say what there is to fetch.
    Source(StageError),
    /// The rows in the database cannot be counted.
    Database(rusqlite::Error),
}

impl From<rusqlite::Error> for JobError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

impl Job {
    /// Does it. A page that fails, fails alone, and so does a row: the report has them, with their errors.
    pub(crate) async fn run(self) -> Result<Summary, JobError> {
        let Self { url, http, database, db, page_size, concurrency } = self;
        let rows_before = store::rows(&db)?;

        let counting = pipeline![count].with(http.clone());
        let rows_expected = counting.run(url.clone()).await.map_err(JobError::Source)?;

        let journal = Arc::new(Journal::default());
        let written = Written::default();
        let app = App { http, db: db.clone(), written: written.clone() };
        let report =
            ingest(app, concurrency, &journal).drain(addresses(&url, rows_expected, page_size)).await;
        // Only a strict run is given up at a failure.
        let report = report.unwrap_or_else(|aborted| aborted.report);

        Ok(Summary {
            url,
            database,
            rows_expected,
            rows_stored: written.rows(),
            rows_before,
            rows_after: store::rows(&db)?,
            failed_requests: journal.failed(),
            report,
        })
    }
}

/// Where the pages are. Where the rows are not counted, they are one plain file.
fn addresses(url: &Url, rows: Option<u64>, page_size: NonZeroU64) -> impl Iterator<Item = Url> + Send {
    let url = url.clone();
    let pages = rows.map_or(1, |rows| rows.div_ceil(page_size.get()));
    (0..pages).map(move |number| {
        let mut page = url.clone();
        if rows.is_some() {
            let offset = number * page_size.get();
            page.query_pairs_mut()
                .append_pair("offset", &offset.to_string())
                .append_pair("limit", &page_size.to_string());
        }
        page
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queries(rows: Option<u64>) -> Vec<Option<String>> {
        let url = "http://host/rows?key=1".parse().expect("a URL");
        let size = NonZeroU64::new(100).expect("not zero");
        addresses(&url, rows, size).map(|url| url.query().map(str::to_owned)).collect()
    }

    #[test]
    fn the_pages_hold_all_rows_and_the_last_one_what_is_left() {
        let expected = ["key=1&offset=0&limit=100", "key=1&offset=100&limit=100"];
        assert_eq!(queries(Some(101)), expected.map(|query| Some(query.to_owned())));
        assert_eq!(queries(Some(200)).len(), 2);
        assert_eq!(queries(Some(0)).len(), 0);
    }

    #[test]
    fn rows_that_nobody_counted_are_one_page() {
        assert_eq!(queries(None), [Some("key=1".to_owned())]);
    }
}
