//! `split_on_failure`: a batch that fails after all attempts is halved until each failing row is isolated.

use std::sync::{Arc, Mutex};

use pipeline::{ErrorKind, ErrorMode, pipeline, stage};

use crate::support::Refused;

/// Inserts all rows or none, like a database statement.
fn insert(rows: &[i64], log: &Mutex<Vec<usize>>) -> Result<u64, Refused> {
    log.lock().unwrap().push(rows.len());
    if rows.iter().any(|row| *row < 0) { Err(Refused(22)) } else { Ok(rows.len() as u64) }
}

#[stage(split_on_failure)]
async fn upsert(rows: &[i64], #[state] log: &Mutex<Vec<usize>>) -> Result<u64, Refused> {
    tokio::task::yield_now().await;
    insert(rows, log)
}

#[stage(split_on_failure, retries = 1, delay = "1ms")]
async fn patient(rows: Vec<i64>, #[state] log: &Mutex<Vec<usize>>) -> Result<u64, Refused> {
    insert(&rows, log)
}

#[stage(split_on_failure, blocking)]
fn on_a_thread(rows: &[i64], #[state] log: &Mutex<Vec<usize>>) -> Result<u64, Refused> {
    insert(rows, log)
}

fn rows() -> Vec<i64> {
    (0..16).map(|row| if row == 5 || row == 11 { -1 } else { row }).collect()
}

#[tokio::test(start_paused = true)]
async fn good_rows_pass_and_each_bad_row_fails_with_its_own_index() {
    let pipeline = pipeline![i64: batch(8) => upsert].with(Mutex::default()).on_error(ErrorMode::Collect);
    let report = pipeline.drain(rows()).await.unwrap();
    let indices: Vec<_> = report.failures().iter().map(|failure| failure.index).collect();
    assert_eq!(indices, [5, 11]);
    assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (16, 2, 2));
    assert_eq!(report.rows_isolated(), 2);
    let failure = &report.failures()[1];
    assert_eq!(failure.error.row(), Some(3));
    assert_eq!(failure.error.to_string(), "stage `upsert` failed on row 4 of 8: refused with 22");

    let counts = pipeline.clone().on_error(ErrorMode::Lenient).stream(rows());
    let counts: Vec<_> = futures_util::StreamExt::collect(counts).await;
    let good: u64 = counts.iter().flatten().sum();
    assert_eq!((good, counts.len()), (14, 4));
}

#[tokio::test]
async fn run_fails_with_the_first_bad_row_of_its_batch() {
    let log = Mutex::default();
    let pipeline = pipeline![upsert].with(log);
    // `run` has no report that could list the failed rows: it fails with the first one.
    let error = pipeline.run(rows()[..8].to_vec()).await.unwrap_err();
    assert_eq!((error.kind(), error.row()), (ErrorKind::Failed, Some(5)));
    assert_eq!(pipeline.run(vec![1, 2]).await.unwrap(), 2);
}

#[derive(pipeline::Provide)]
struct Shared {
    log: Arc<Mutex<Vec<usize>>>,
}

#[stage(split_on_failure, retries = 1, delay = "1ms")]
async fn twice(rows: Vec<i64>, #[state] log: &Arc<Mutex<Vec<usize>>>) -> Result<u64, Refused> {
    insert(&rows, log)
}

#[tokio::test(start_paused = true)]
async fn each_part_of_a_split_batch_gets_all_attempts() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let pipeline = pipeline![twice].with(Shared { log: log.clone() }).on_error(ErrorMode::Collect);
    let report = pipeline.drain([vec![1, -1, 3, 4]]).await.unwrap();
    assert_eq!(*log.lock().unwrap(), [4, 4, 2, 2, 1, 1, 1, 2]);
    assert_eq!((report.items_out(), report.items_failed(), report.rows_isolated()), (1, 1, 1));
    assert_eq!(report.failures()[0].error.attempts(), 2);
}

#[tokio::test]
async fn a_batch_of_only_bad_rows_gives_a_failure_per_row_and_no_output() {
    let pipeline = pipeline![i64: batch(3) => upsert].with(Mutex::default()).on_error(ErrorMode::Collect);
    let report = pipeline.drain([-1, -2, -3]).await.unwrap();
    assert_eq!((report.items_out(), report.items_failed(), report.rows_isolated()), (0, 3, 2));
    let mut indices: Vec<_> = report.failures().iter().map(|failure| failure.index).collect();
    indices.sort_unstable();
    assert_eq!(indices, [0, 1, 2]);
    let stage = &report.stages()[1];
    assert_eq!((stage.calls(), stage.outputs(), stage.failed()), (1, 0, 3));
}

#[tokio::test]
async fn split_on_failure_works_by_value_on_blocking_threads_and_with_overrides() {
    let mode = ErrorMode::Collect;
    let patient = pipeline![patient.delay("2ms")].with(Mutex::default()).on_error(mode);
    assert_eq!(patient.drain([rows()]).await.unwrap().rows_isolated(), 2);
    let none = pipeline![patient.retries(0)].with(Mutex::default()).on_error(mode);
    assert_eq!(none.drain([rows()]).await.unwrap().rows_isolated(), 2);
    let more = pipeline![upsert.retries(1).delay("1ms")].with(Mutex::default()).on_error(mode);
    assert_eq!(more.drain([rows()]).await.unwrap().rows_isolated(), 2);
    let threads = pipeline![on_a_thread].with(Mutex::default()).on_error(mode);
    assert_eq!(threads.drain([rows()]).await.unwrap().rows_isolated(), 2);
}

#[tokio::test]
async fn strict_mode_ends_at_the_first_bad_row() {
    let pipeline = pipeline![i64: batch(16) => upsert].with(Mutex::default());
    let aborted = pipeline.drain(rows()).await.unwrap_err();
    assert_eq!(aborted.failure.index, 5);
}
