//! The job: which pages there are, and the way of each through the pipeline.

use std::num::NonZeroUsize;
use std::time::Instant;

use pipeline::{Context, Provide, StageError, pipeline, stage};
use reqwest::{Client, Url};
use sqlx::SqlitePool;

use crate::airports::{Rejected, parse, validate};
use crate::attempts::{self, Attempts};
use crate::fetch::{count, fetch};
use crate::report::Report;
use crate::store::{self, Stored, store};

/// What the stages ask for with `#[state]`.
#[derive(Debug, Clone, Provide)]
pub(crate) struct App {
    pub(crate) http: Client,
    pub(crate) db: SqlitePool,
}

/// What is to be done.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) url: Url,
    pub(crate) page_size: NonZeroUsize,
    pub(crate) concurrency: NonZeroUsize,
}

/// What came of one page.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) stored: u64,
    pub(crate) rejected: Vec<Rejected>,
    pub(crate) attempts: Attempts,
}

/// Why there is not even a report.
#[derive(Debug)]
pub(crate) enum Error {
    /// The server does not say what there is to fetch.
    Source(StageError),
    /// The rows in the database cannot be counted.
    Database(sqlx::Error),
}

impl Job {
    /// Does it. A page that fails, fails alone: it is in the report, with its error.
    pub(crate) async fn run(&self, app: App) -> Result<Report, Error> {
        let started = Instant::now();
        let db = app.db.clone();
        let rows_before = store::rows(&db).await.map_err(Error::Database)?;

        let counting = pipeline![count].with(app.clone());
        let rows_expected = counting.run(self.url.clone()).await.map_err(Error::Source)?;

        let ingest = pipeline![fetch => parse => validate => store => account].with(app);
        let pages = ingest.concurrency(self.concurrency.get()).settle(self.pages(rows_expected)).await;

        Ok(Report {
            url: self.url.clone(),
            database: None,
            page_size: self.page_size.get(),
            pages,
            rows_expected,
            rows_before,
            rows_after: store::rows(&db).await.map_err(Error::Database)?,
            elapsed: started.elapsed(),
        })
    }

    /// The addresses of the pages. Where the rows are not counted, they are one plain file.
    fn pages(&self, rows: Option<usize>) -> Vec<Url> {
        let Some(rows) = rows else { return vec![self.url.clone()] };
        let size = self.page_size.get();
        let page = |offset: usize| {
            let mut url = self.url.clone();
            url.query_pairs_mut()
                .append_pair("offset", &offset.to_string())
                .append_pair("limit", &size.to_string());
            url
        };
        (0..rows).step_by(size).map(page).collect()
    }
}

/// Closes the account of a page: what was stored, what was not, and how often it was asked for.
#[stage]
fn account(Stored { rows, rejected }: Stored, #[context] cx: &Context) -> Page {
    Page { stored: rows, rejected, attempts: attempts::of(cx) }
}
