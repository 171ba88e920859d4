//! Timeouts of an attempt, and deadlines of a call.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use pipeline::{ErrorKind, ErrorMode, pipeline, stage};
use tokio::time::Instant;

use crate::support::worker_counts::{OnWorkers, for_each_worker_count};
use crate::support::{Act, Gauge, Refused, Service, ms};

#[stage(timeout = "1s")]
async fn fetch(#[state] service: &Service) -> Result<(), Refused> {
    service.call().await
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_takes_too_long_times_out() {
    let start = Instant::now();
    let service = Service::new([Act::Slow(ms(5000))]);
    let error = pipeline![fetch].with(service).run(()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    assert_eq!(start.elapsed(), ms(1000));
    assert_eq!(error.elapsed(), ms(1000));
    assert_eq!(format!("{error:#}"), "stage `fetch` timed out in 1s: not done within 1s");
}

#[tokio::test(start_paused = true)]
async fn an_attempt_that_ends_in_time_does_not_time_out() {
    let service = Service::new([Act::Slow(ms(999))]);
    assert!(pipeline![fetch].with(service).run(()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_timed_out_attempt_is_retried_like_a_failure() {
    let service = Service::new([Act::Slow(ms(5000)), Act::Fail(500), Act::Answer]);
    let start = Instant::now();
    pipeline![fetch.retries(2)].with(service).run(()).await.unwrap();
    assert_eq!(start.elapsed(), ms(1000 + 100 + 200));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_limits_one_attempt_and_a_deadline_all_attempts() {
    let service = Service::new([Act::Slow(ms(5000)); 9]);
    let error = pipeline![fetch.retries(8).backoff("fixed").delay("500ms").deadline("4s")]
        .with(service)
        .run(())
        .await
        .unwrap_err();
    // 1 s, 0.5 s wait, 1 s, 0.5 s wait; the third attempt's timeout and the deadline end at the same time, and
    // the deadline wins.
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    assert_eq!(error.elapsed(), ms(4000));
    assert_eq!(error.attempts(), 3);
    assert_eq!(error.failed_attempts().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_backoff_wait_that_ends_after_the_deadline_fails_the_call_at_once() {
    let service = Service::new([Act::Fail(503); 9]);
    let error =
        pipeline![fetch.retries(3).delay("10s").deadline("5s")].with(service).run(()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DeadlineExceeded);
    assert_eq!(error.elapsed(), ms(0));
    assert_eq!(
        format!("{error:#}"),
        "stage `fetch` ran out of time: the wait before the next attempt is 10s, and the deadline is over in 5s: refused with 503"
    );
}

#[stage(deadline = "2s", concurrency = 1)]
async fn crowded(#[state] service: &Service) -> Result<(), Refused> {
    service.call().await
}

#[tokio::test(start_paused = true)]
async fn a_deadline_includes_the_wait_for_a_permit() {
    let service = Service::new([Act::Slow(ms(1500)), Act::Slow(ms(1500))]);
    let results = pipeline![crowded].with(service).settle([(), ()]).await;
    assert!(results[0].is_ok());
    let error = results[1].as_ref().unwrap_err();
    assert_eq!((error.kind(), error.elapsed()), (ErrorKind::DeadlineExceeded, ms(2000)));
}

#[stage(timeout = "1s", retries = 1, delay = "1s")]
async fn guarded(#[state] gauge: &Gauge) {
    let _inside = gauge.enter();
    tokio::time::sleep(Duration::from_secs(60)).await;
}

#[tokio::test(start_paused = true)]
async fn a_timed_out_attempt_is_dropped_before_the_next_starts() {
    let pipeline = pipeline![guarded => inspect(|()| ())].with(Gauge::default());
    assert!(pipeline.run(()).await.is_err());
    let watched = pipeline![watched].with(Gauge::default());
    watched.run(()).await.unwrap();
}

/// Checks that the gauge is empty again after the attempt was dropped.
#[stage]
async fn watched(#[state] gauge: &Gauge) {
    let inner = tokio::time::timeout(Duration::from_millis(1), guarded(gauge)).await;
    assert!(inner.is_err());
    assert_eq!((gauge.now(), gauge.most()), (0, 1));
}

/// Never ready; wakes itself at each poll.
struct Busy;

impl Future for Busy {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

#[stage(timeout = "20ms")]
async fn busy() {
    loop {
        // Uses up the budget of its task, like a socket that is always ready.
        tokio::task::coop::consume_budget().await;
    }
}

/// Uses the real clock, because the paused clock does not advance while a task is busy. Asserts on the result, not on
/// the time.
#[tokio::test]
async fn an_attempt_that_keeps_its_task_busy_times_out() {
    let error = pipeline![busy].run(()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
    let error = pipeline![spinning].run(()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

#[stage(timeout = "20ms")]
async fn spinning() {
    Busy.await;
}

#[stage(timeout = "5s", deadline = "10s", retries = 3)]
async fn ready(x: u32) -> Result<u32, Refused> {
    Ok(x + 1)
}

/// There is no runtime here, so a timer would panic.
#[test]
fn a_call_that_is_ready_immediately_arms_no_timer() {
    let result = futures_util::FutureExt::now_or_never(pipeline![ready => ready].run(1));
    assert_eq!(result.unwrap().unwrap(), 3);
}

#[stage(timeout = "5s")]
async fn waits() {
    std::future::pending::<()>().await;
}

#[test]
fn without_a_runtime_a_stage_that_waits_fails_and_says_what_to_do() {
    let result = futures_util::FutureExt::now_or_never(pipeline![waits].run(()));
    let error = result.unwrap().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panicked);
    assert!(format!("{error:#}").contains("run the pipeline under `#[tokio::main]`"), "{error}");
}

#[stage(timeout = "1s")]
async fn endless(_x: u64, #[state] gauge: &Arc<Gauge>) {
    let _inside = gauge.enter();
    std::future::pending::<()>().await;
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_never_finishes_times_out_on_any_number_of_workers() {
    for_each_worker_count!(|workers| {
        let (gauge, start) = (Arc::new(Gauge::default()), Instant::now());
        let pipeline = pipeline![endless].with(Arc::clone(&gauge)).concurrency(5).on_workers(workers);
        let report = pipeline.on_error(ErrorMode::Collect).drain(0..10).await.unwrap();
        assert_eq!((start.elapsed(), gauge.now(), gauge.most()), (ms(2000), 0, 5));
        assert_eq!((report.items_failed(), report.stages()[0].timeouts()), (10, 10));
        assert!(report.failures().iter().all(|failure| failure.error.kind() == ErrorKind::TimedOut));
    });
}
