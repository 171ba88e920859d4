//! Each item of the source is over exactly once, when all that came of it is over, with the worst outcome.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use pipeline::{ErrorMode, Observer, Outcome, RunId, pipeline, stage};

use crate::support::Refused;
use crate::support::worker_counts::{OnWorkers, for_each_worker_count};

/// How each item ended, as often as it was told.
#[derive(Clone, Default)]
struct Ends(Arc<Mutex<BTreeMap<usize, Vec<&'static str>>>>);

impl Observer for Ends {
    fn item_finished(&self, _: RunId, index: usize, outcome: &Outcome) {
        let outcome = match outcome {
            Outcome::Done => "done",
            Outcome::Failed(_) => "failed",
            _ => "cancelled",
        };
        self.0.lock().unwrap().entry(index).or_default().push(outcome);
    }
}

impl Ends {
    /// The outcomes in the order of the items.
    fn take(&self) -> Vec<&'static str> {
        let ends = std::mem::take(&mut *self.0.lock().unwrap());
        assert!(ends.keys().copied().eq(0..ends.len()), "each item is told: {ends:?}");
        ends.into_values()
            .map(|ends| {
                assert_eq!(ends.len(), 1, "each item is told once");
                ends[0]
            })
            .collect()
    }
}

#[stage]
fn sum(rows: Vec<u64>) -> Result<u64, Refused> {
    if rows.contains(&7) { Err(Refused(7)) } else { Ok(rows.iter().sum()) }
}

#[stage]
async fn rows(page: u64) -> Vec<u64> {
    tokio::task::yield_now().await;
    (0..page).map(|row| page * 10 + row).collect()
}

#[stage]
async fn not_twenty_one(row: u64) -> Result<u64, Refused> {
    tokio::task::yield_now().await;
    if row == 21 { Err(Refused(21)) } else { Ok(row) }
}

#[tokio::test(start_paused = true)]
async fn all_members_of_a_batch_are_over_with_their_batch() {
    for_each_worker_count!(|workers| {
        let ends = Ends::default();
        let pipeline = pipeline![u64: batch(2) => sum].observe(ends.clone()).on_error(ErrorMode::Lenient);
        let pipeline = pipeline.on_workers(workers);
        pipeline.drain([1, 2, 3, 7, 5]).await.unwrap();
        assert_eq!(ends.take(), ["done", "done", "failed", "failed", "done"]);
    });
}

#[tokio::test(start_paused = true)]
async fn a_page_is_over_with_its_last_row() {
    for_each_worker_count!(|workers| {
        let ends = Ends::default();
        let pipeline = pipeline![rows => each => not_twenty_one => batch(2) => |rows| rows.len()];
        let pipeline = pipeline.observe(ends.clone()).on_error(ErrorMode::Lenient).on_workers(workers);
        // The rows of a page are in several batches, the batches have rows of several pages, and a page has no rows.
        pipeline.drain([3, 0, 2, 5]).await.unwrap();
        assert_eq!(ends.take(), ["done", "done", "failed", "done"]);
    });
}

#[tokio::test(start_paused = true)]
async fn a_page_whose_iterator_panics_has_failed() {
    let ends = Ends::default();
    let pipeline = pipeline![|x: u64| (0..3).map(move |row| 10 / (x - row)) => each => |x| x];
    let pipeline = pipeline.observe(ends.clone()).on_error(ErrorMode::Lenient);
    pipeline.drain([5, 2, 6]).await.unwrap();
    assert_eq!(ends.take(), ["done", "failed", "done"]);
}

#[tokio::test(start_paused = true)]
async fn what_a_strict_run_drops_is_cancelled() {
    for_each_worker_count!(|workers| {
        let ends = Ends::default();
        let pipeline = pipeline![rows => each => not_twenty_one => batch(100) => sum].observe(ends.clone());
        assert!(pipeline.on_workers(workers).drain([3, 0, 2, 5]).await.is_err());
        let ends = ends.take();
        assert_eq!(ends.iter().filter(|end| **end == "failed").count(), 1, "{ends:?}");
        assert_eq!(ends[2], "failed");
        assert_eq!(ends[0], "cancelled");
    });
}
