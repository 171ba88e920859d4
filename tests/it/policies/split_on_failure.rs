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

/// A batch that lost a row to its own failure and then fails as a whole takes no row from what other batches loaded.
#[tokio::test(start_paused = true)]
async fn rows_of_a_batch_that_fails_later_are_not_taken_from_the_loaded_ones() {
    let second = pipeline![
        i64: batch(8) => upsert => try |stored| if stored == 7 { Err("refused") } else { Ok(stored) }
    ];
    let rows = (0..24).map(|row| if row == 5 { -1 } else { row });
    let report = second.with(Mutex::default()).on_error(ErrorMode::Collect).drain(rows).await.unwrap();
    assert_eq!((report.items_out(), report.rows_isolated()), (2, 1));
    assert_eq!(report.rows_loaded(), 16);
}

#[tokio::test(start_paused = true)]
async fn good_rows_pass_and_each_bad_row_fails_with_its_own_index() {
    let pipeline = pipeline![i64: batch(8) => upsert].with(Mutex::default()).on_error(ErrorMode::Collect);
    let report = pipeline.drain(rows()).await.unwrap();
    let indices: Vec<_> = report.failures().iter().map(|failure| failure.index).collect();
    assert_eq!(indices, [5, 11]);
    assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (16, 2, 2));
    assert_eq!((report.rows_isolated(), report.rows_loaded(), report.rows_failed()), (2, 14, 2));
    let failure = &report.failures()[1];
    assert_eq!(failure.error.row(), Some(3));
    assert_eq!(format!("{:#}", failure.error), "stage `upsert` failed on row 4 of 8: refused with 22");

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
async fn the_parts_of_a_split_batch_do_not_repeat_its_retries() {
    let log = Arc::new(Mutex::new(Vec::new()));
    let pipeline = pipeline![twice].with(Shared { log: log.clone() }).on_error(ErrorMode::Collect);
    let report = pipeline.drain([vec![1, -1, 3, 4]]).await.unwrap();
    assert_eq!(*log.lock().unwrap(), [4, 4, 2, 1, 1, 2]);
    assert_eq!((report.items_out(), report.items_failed(), report.rows_isolated()), (1, 1, 1));
    assert_eq!(report.failures()[0].error.attempts(), 1);
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

/// The statuses of a server whose table the rows go to.
const UNAVAILABLE: u16 = 503;
const UNAUTHORIZED: u16 = 401;
const BAD_ROW: u16 = 22;

fn is_transient(error: &Refused) -> bool {
    error.0 == UNAVAILABLE
}

fn is_bad_row(error: &Refused) -> bool {
    error.0 == BAD_ROW
}

struct Server {
    calls: Mutex<Vec<usize>>,
    answer: fn(&[i64]) -> u16,
}

impl Server {
    fn new(answer: fn(&[i64]) -> u16) -> Arc<Self> {
        Arc::new(Self { calls: Mutex::default(), answer })
    }

    /// The number of rows of each call since the last time.
    fn calls(&self) -> Vec<usize> {
        std::mem::take(&mut self.calls.lock().unwrap())
    }

    fn insert(&self, rows: &[i64]) -> Result<u64, Refused> {
        self.calls.lock().unwrap().push(rows.len());
        match (self.answer)(rows) {
            200 => Ok(rows.len() as u64),
            status => Err(Refused(status)),
        }
    }
}

#[stage(split_on_failure, retries = 3, delay = "1ms", retry_if = is_transient)]
async fn selective(rows: &[i64], #[state] server: &Arc<Server>) -> Result<u64, Refused> {
    server.insert(rows)
}

#[stage(split_on_failure, split_if = is_bad_row)]
async fn choosy(rows: &[i64], #[state] server: &Arc<Server>) -> Result<u64, Refused> {
    server.insert(rows)
}

#[stage(split_on_failure)]
async fn plain(rows: &[i64], #[state] server: &Arc<Server>) -> Result<u64, Refused> {
    server.insert(rows)
}

#[stage(split_on_failure, split_limit = 3)]
async fn impatient(rows: &[i64], #[state] server: &Arc<Server>) -> Result<u64, Refused> {
    server.insert(rows)
}

#[stage(split_on_failure, timeout = "1s")]
async fn hangs(rows: &[i64], #[state] server: &Arc<Server>) -> Result<u64, Refused> {
    server.calls.lock().unwrap().push(rows.len());
    std::future::pending().await
}

fn batch_of(n: i64) -> Vec<i64> {
    (0..n).collect()
}

#[tokio::test(start_paused = true)]
async fn what_is_transient_is_retried_whole_and_never_split() {
    let server = Server::new(|_| UNAVAILABLE);
    let pipeline = pipeline![selective].with(server.clone()).on_error(ErrorMode::Collect);
    let report = pipeline.drain([batch_of(500)]).await.unwrap();
    assert_eq!(server.calls(), [500; 4]);
    assert_eq!((report.items_failed(), report.rows_isolated()), (1, 0));
    assert_eq!((report.failures()[0].error.attempts(), report.failures()[0].error.row()), (4, None));
    let server = Server::new(|_| 200);
    let hangs = pipeline![hangs].with(server.clone()).on_error(ErrorMode::Collect);
    assert_eq!(hangs.drain([batch_of(8)]).await.unwrap().items_failed(), 1);
    assert_eq!(server.calls(), [8]);
}

#[tokio::test(start_paused = true)]
async fn a_transient_failure_of_a_part_is_retried() {
    // Row 5 is bad, and the server has no time for the part of rows 0 to 3 at first.
    let server = Server::new(|rows| match rows {
        [0, 1, 2, 3] if is_first_call() => UNAVAILABLE,
        rows if rows.contains(&5) => BAD_ROW,
        _ => 200,
    });
    let pipeline = pipeline![selective].with(server.clone()).on_error(ErrorMode::Collect);
    let report = pipeline.drain([batch_of(8)]).await.unwrap();
    assert_eq!(server.calls(), [8, 4, 4, 4, 2, 1, 1, 2]);
    assert_eq!((report.items_out(), report.rows_isolated()), (1, 1));
    assert_eq!(report.failures()[0].error.row(), Some(5));
}

/// True at the first call.
fn is_first_call() -> bool {
    use std::sync::atomic::{AtomicBool, Ordering};
    static FIRST: AtomicBool = AtomicBool::new(true);
    FIRST.swap(false, Ordering::Relaxed)
}

#[tokio::test]
async fn split_if_says_what_is_worth_a_split() {
    let server = Server::new(|_| UNAUTHORIZED);
    let pipeline = pipeline![choosy].with(server.clone()).on_error(ErrorMode::Collect);
    pipeline.drain([batch_of(64)]).await.unwrap();
    assert_eq!(server.calls(), [64]);
    let bad_row = |rows: &[i64]| if rows.contains(&3) { BAD_ROW } else { 200 };
    let server = Server::new(bad_row);
    let pipeline = pipeline![choosy].with(server.clone()).on_error(ErrorMode::Collect);
    let report = pipeline.drain([batch_of(8)]).await.unwrap();
    assert_eq!((report.items_out(), report.rows_isolated()), (1, 1));
    assert_eq!(report.failures()[0].error.row(), Some(3));
}

#[tokio::test]
async fn after_parts_without_a_success_the_rest_fails_as_it_is() {
    let server = Server::new(|_| UNAUTHORIZED);
    let pipeline = pipeline![plain].with(server.clone()).on_error(ErrorMode::Collect);
    let report = pipeline.drain([batch_of(64)]).await.unwrap();
    // The whole, and 16 parts.
    assert_eq!(server.calls().len(), 17);
    // Each row is told with its position.
    assert_eq!((report.items_failed(), report.rows_isolated()), (64, 63));
    let mut rows: Vec<_> = report.failures().iter().filter_map(|failure| failure.error.row()).collect();
    rows.sort_unstable();
    assert_eq!(rows, (0..64).collect::<Vec<_>>());

    let server = Server::new(|_| UNAUTHORIZED);
    let pipeline = pipeline![impatient].with(server.clone()).on_error(ErrorMode::Collect);
    pipeline.drain([batch_of(64)]).await.unwrap();
    assert_eq!(server.calls(), [64, 32, 16, 8]);
    // A success starts the count anew.
    let odd = |rows: &[i64]| if rows.iter().any(|row| row % 2 == 1) { BAD_ROW } else { 200 };
    let server = Server::new(odd);
    let pipeline = pipeline![plain].with(server.clone()).on_error(ErrorMode::Collect);
    let report = pipeline.drain([batch_of(64)]).await.unwrap();
    assert_eq!((report.items_out(), report.rows_isolated()), (1, 32));
}
