//! The way of the rows through the pipeline.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pipeline::{BoxPipeline, ErrorMode, Provide, WithBoundary, pipeline, stage};
use reqwest::{Client, Url};

use crate::airports::{parse, validate};
use crate::fetch::fetch;
use crate::journal::Journal;
use crate::store::{Database, upsert};

/// What the stages ask for with `#[state]`.
#[derive(Debug, Provide)]
pub(crate) struct App {
    pub(crate) http: Client,
    pub(crate) db: Database,
    pub(crate) written: Written,
}

/// How many rows were written so far. Clones share the number.
#[derive(Debug, Clone, Default)]
pub(crate) struct Written(Arc<AtomicU64>);

impl Written {
    pub(crate) fn rows(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Adds up what the batches write.
#[stage]
fn tally(rows: u64, #[state] written: &Written) {
    written.0.fetch_add(rows, Ordering::Relaxed);
}

/// Pages come in, rows go on, and batches of rows are stored while other pages are still on their way. Where rows are
/// slow to come, a batch waits for 50 ms and goes as it is.
pub(crate) fn ingest(
    app: App,
    concurrency: usize,
    journal: &Arc<Journal>,
) -> BoxPipeline<Url, (), WithBoundary> {
    pipeline![fetch => parse => each => validate => batch(500, "50ms") => upsert => tally]
        .with(app)
        .concurrency(concurrency)
        .on_error(ErrorMode::Collect)
        .observe(Arc::clone(journal))
        .boxed()
}
