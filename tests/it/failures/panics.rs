//! Panics of stages, closures, iterators and destructors: each fails its own item, and nothing else.

#[stage(retries = 5)]
async fn divide(x: u32) -> Result<u32, String> {
    tokio::task::yield_now().await;
    Ok(100 / x)
}

use std::sync::Arc;
use std::time::Duration;

use pipeline::{Context, ErrorKind, ErrorMode, pipeline, stage};

use crate::support::worker_counts::{OnWorkers, for_each_worker_count};
use crate::support::{Act, Refused, Service, ms};

#[stage]
fn double(x: u32) -> u32 {
    assert!(x < 50, "{x} is too much");
    x * 2
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_caught_and_its_error_names_the_stage() {
    let error = pipeline![double => divide].run(0).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panicked);
    assert_eq!(format!("{error:#}"), "stage `divide` panicked: attempt to divide by zero");
}

#[tokio::test(start_paused = true)]
async fn a_panic_is_not_retried() {
    let error = pipeline![divide].run(0).await.unwrap_err();
    assert_eq!(error.attempts(), 1);
}

#[stage(retries = 1, timeout = "1s")]
async fn second_time(#[state] service: &Service) -> Result<(), Refused> {
    service.call().await?;
    panic!("the service answered")
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_a_later_attempt_reports_the_number_of_attempts() {
    let service = Service::new([Act::Slow(ms(5000))]);
    let error = pipeline![second_time].with(service).run(()).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Panicked, 2));
}

#[tokio::test(start_paused = true)]
async fn a_panic_fails_only_its_own_item() {
    let results = pipeline![double => divide].settle([5, 0, 60, 10]).await;
    assert_eq!(results[0].as_ref().unwrap(), &10);
    assert_eq!(results[1].as_ref().unwrap_err().stage(), "divide");
    assert_eq!(format!("{:#}", results[2].as_ref().unwrap_err()), "stage `double` panicked: 60 is too much");
    assert_eq!(results[3].as_ref().unwrap(), &5);
}

#[tokio::test(start_paused = true)]
async fn panics_in_closures_inspect_and_retry_if_are_caught() {
    let error = pipeline![|x: u32| 1 / x].run(0).await.unwrap_err();
    assert!(error.stage().starts_with("closure at "), "{error}");
    assert!(error.stage().contains("panics.rs:"), "{error}");

    let error = pipeline![u32: inspect(|x| assert!(*x > 0, "nothing"))].run(0).await.unwrap_err();
    assert!(error.stage().starts_with("inspect at "), "{error}");

    let service = Service::new([Act::Fail(503)]);
    let error = pipeline![wary].with(service).run(()).await.unwrap_err();
    assert_eq!((error.stage(), error.kind()), ("wary", ErrorKind::Panicked));
}

#[stage(retries = 1, retry_if = never)]
async fn wary(#[state] service: &Service) -> Result<(), Refused> {
    service.call().await
}

fn never(_: &Refused) -> bool {
    panic!("undecided")
}

#[tokio::test(start_paused = true)]
async fn a_panic_payload_that_is_not_a_message_is_handled() {
    #[stage]
    fn odd() {
        std::panic::panic_any(7_u8);
    }
    let error = pipeline![odd].run(()).await.unwrap_err();
    assert_eq!(format!("{error:#}"), "stage `odd` panicked: a panic whose payload is not a message");
}

#[tokio::test(start_paused = true)]
async fn a_pipeline_can_be_used_again_after_a_panic() {
    let pipeline = pipeline![double => divide];
    assert!(pipeline.run(0).await.is_err());
    assert_eq!(pipeline.run(5).await.unwrap(), 10);
}

#[stage]
async fn pass(x: u64) -> u64 {
    tokio::time::sleep(ms(1)).await;
    x
}

/// An iterator that panics at the given item, or when it is created if that is 0.
struct PanicsAt(u64);

impl IntoIterator for PanicsAt {
    type Item = u64;
    type IntoIter = Box<dyn Iterator<Item = u64> + Send>;

    fn into_iter(self) -> Self::IntoIter {
        let at = self.0;
        assert!(at != 0, "not started");
        Box::new((1..=3).inspect(move |x| assert!(*x != at, "at {x}")))
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_iterator_of_each_fails_only_the_item_it_was_made_of() {
    for_each_worker_count!(|workers| {
        let pipeline = pipeline![|at: u64| PanicsAt(at) => each => pass].on_workers(workers);
        let pipeline = pipeline.on_error(ErrorMode::Collect);
        let report = pipeline.drain([9, 2, 9, 0, 9, 1]).await.unwrap();
        let said: Vec<_> = report.failures().iter().map(|it| (it.index, format!("{:#}", it.error))).collect();
        let text = |cause| format!("stage `each` panicked: {cause}");
        assert_eq!(said, [(1, text("at 2")), (3, text("not started")), (5, text("at 1"))]);
        assert_eq!((report.items_out(), report.items_failed(), report.items_cancelled()), (10, 3, 0));
        let each = &report.stages()[1];
        assert_eq!((each.calls(), each.outputs(), each.failed()), (6, 10, 3));

        let mut outputs = pipeline.stream([9, 2, 9]);
        let mut said = Vec::new();
        while let Some(output) = outputs.next().await {
            said.push(output.map_err(|failure| failure.index));
        }
        assert_eq!(said, [Ok(1), Ok(2), Ok(3), Ok(1), Err(1), Ok(1), Ok(2), Ok(3)]);

        let aborted = pipeline.on_error(ErrorMode::Strict).collect([9, 2, 9]).await.unwrap_err();
        assert_eq!((aborted.failure.index, aborted.failure.error.stage()), (1, "each"));
    });
}

/// Panics when it is dropped, if its number is odd.
struct PanicsOnDrop(u64);

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        assert!(self.0.is_multiple_of(2) || std::thread::panicking(), "dropped {}", self.0);
    }
}

#[stage]
fn panics_on_drop(x: u64) -> PanicsOnDrop {
    PanicsOnDrop(x)
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_drop_of_an_input_or_output_does_not_hang_the_run() {
    for_each_worker_count!(|workers| {
        // Dropping an output belongs to no item, so the run itself panics.
        let pipeline = pipeline![pass => panics_on_drop].concurrency(2).on_workers(workers);
        let run = tokio::spawn(async move { pipeline.drain(0..9).await.map(|report| report.items_out()) });
        assert!(tokio::time::timeout(ms(60_000), run).await.expect("the run hangs").is_err());
        // Dropping an input belongs to the stage that takes it.
        let pipeline = pipeline![panics_on_drop => |value| value.0].on_workers(workers);
        let run = tokio::spawn(async move { pipeline.on_error(ErrorMode::Collect).drain(0..9).await });
        let report = tokio::time::timeout(ms(60_000), run).await.expect("the run hangs").unwrap().unwrap();
        assert_eq!((report.items_out(), report.items_failed()), (5, 4));
    });
}

#[stage]
async fn insert_panics_on_drop(x: u64, #[context] cx: &Context) -> u64 {
    tokio::time::sleep(ms(1)).await;
    cx.extensions().insert(Arc::new(PanicsOnDrop(x)));
    x
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_drop_of_an_extension_does_not_hang_the_run() {
    for_each_worker_count!(|workers| {
        let pipeline = pipeline![insert_panics_on_drop].on_error(ErrorMode::Collect).on_workers(workers);
        // It is not specified whether the items fail.
        let run = tokio::spawn(async move { pipeline.drain(0..9).await.is_ok() });
        assert!(
            tokio::time::timeout(Duration::from_secs(60), run).await.is_ok(),
            "{workers} workers: the run hangs"
        );
    });
}
