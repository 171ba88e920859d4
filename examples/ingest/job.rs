//! The job: which pages there are, and the way of each through the pipeline.

use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Instant;

use pipeline::{Provide, StageError, pipeline};
use reqwest::{Client, Url};
use sqlx::SqlitePool;

use crate::airports::{parse, validate};
use crate::fetch::{count, fetch};
use crate::journal::Journal;
use crate::report::Report;
use crate::store::{self, upsert};

/// What the stages ask for with `#[state]`.
#[derive(Debug, Provide)]
struct App {
    http: Client,
    db: SqlitePool,
    journal: Journal,
}

/// What is to be done, and with what.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) url: Url,
    pub(crate) http: Client,
    pub(crate) database: PathBuf,
    pub(crate) db: SqlitePool,
    pub(crate) page_size: NonZeroU64,
    pub(crate) concurrency: usize,
}

/// Why there is not even a report.
#[derive(Debug)]
pub(crate) enum JobError {
    /// The server does not say what there is to fetch.
    Source(StageError),
    /// The rows in the database cannot be counted.
    Database(sqlx::Error),
}

impl From<sqlx::Error> for JobError {
    fn from(error: sqlx::Error) -> Self {
        Self::Database(error)
    }
}

impl Job {
    /// Does it. A page that fails, fails alone: it is in the report, with its error.
    pub(crate) async fn run(self) -> Result<Report, JobError> {
        let started = Instant::now();
        let Self { url, http, database, db, page_size, concurrency } = self;
        let rows_before = store::rows(&db).await?;

        let counting = pipeline![count].with(http.clone());
        let rows_expected = counting.run(url.clone()).await.map_err(JobError::Source)?;

        let journal = Journal::default();
        let app = App { http, db: db.clone(), journal: journal.clone() };
        let ingest = pipeline![fetch => parse => validate => upsert].with(app).concurrency(concurrency);
        let pages = ingest.settle(addresses(&url, rows_expected, page_size)).await;

        let rows_after = store::rows(&db).await?;
        let elapsed = started.elapsed();
        Ok(Report { url, database, pages, journal, rows_expected, rows_before, rows_after, elapsed })
    }
}

/// Where the pages are. Where the rows are not counted, they are one plain file.
fn addresses(url: &Url, rows: Option<u64>, page_size: NonZeroU64) -> Vec<Url> {
    let Some(rows) = rows else {
        return vec![url.clone()];
    };
    let page = |number: u64| {
        let mut url = url.clone();
        let offset = number * page_size.get();
        url.query_pairs_mut()
            .append_pair("offset", &offset.to_string())
            .append_pair("limit", &page_size.to_string());
        url
    };
    (0..rows.div_ceil(page_size.get())).map(page).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queries(rows: Option<u64>) -> Vec<Option<String>> {
        let url = "http://host/rows?key=1".parse().expect("a URL");
        let size = NonZeroU64::new(100).expect("not zero");
        addresses(&url, rows, size).iter().map(|url| url.query().map(str::to_owned)).collect()
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
