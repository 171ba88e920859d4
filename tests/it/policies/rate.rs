//! The rate of a stage: a token bucket that all items, workers and clones of a pipeline share.

use std::time::Duration;

use pipeline::{pipeline, stage};
use tokio::time::Instant;

use crate::support::worker_counts::{OnWorkers, for_each_worker_count};
use crate::support::{Act, Refused, Service, ms};

#[stage(rate = "5/s")]
async fn call(_x: u32, #[state] start: &Instant) -> u128 {
    start.elapsed().as_millis()
}

#[tokio::test(start_paused = true)]
async fn the_token_bucket_starts_full_and_is_refilled_one_token_at_a_time() {
    let starts = pipeline![call].with(Instant::now()).collect(0..12).await.unwrap();
    assert_eq!(starts, [0, 0, 0, 0, 0, 200, 400, 600, 800, 1000, 1200, 1400]);
}

#[tokio::test(start_paused = true)]
async fn an_idle_token_bucket_refills_completely() {
    let pipeline = pipeline![call].with(Instant::now());
    pipeline.collect(0..5).await.unwrap();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let starts = pipeline.collect(0..6).await.unwrap();
    assert_eq!(starts, [10_000, 10_000, 10_000, 10_000, 10_000, 10_200]);
}

#[tokio::test(start_paused = true)]
async fn a_rate_can_be_per_minute_or_per_any_period() {
    let last = async |starts: Result<Vec<u128>, pipeline::Aborted>| starts.unwrap().pop();
    let minute = pipeline![call.rate("3/min")].with(Instant::now());
    assert_eq!(last(minute.collect(0..4).await).await, Some(20_000));
    let odd = pipeline![call.rate("5/100ms")].with(Instant::now());
    assert_eq!(last(odd.collect(0..7).await).await, Some(40));
}

#[stage(rate = "1/s", retries = 2, backoff = "fixed", delay = "100ms")]
async fn attempt(#[state] service: &Service) -> Result<(), Refused> {
    service.call().await
}

#[stage]
async fn calls(#[state] service: &Service) -> Vec<u128> {
    service.calls()
}

#[tokio::test(start_paused = true)]
async fn each_attempt_takes_a_token() {
    let service = Service::new([Act::Fail(503), Act::Fail(503), Act::Answer]);
    let pipeline = pipeline![attempt => calls].with(service);
    assert_eq!(pipeline.run(()).await.unwrap(), [0, 1000, 2000]);
}

#[stage(rate = "1/s", concurrency = 1)]
async fn both(x: u32, #[state] start: &Instant) -> u128 {
    let now = start.elapsed().as_millis();
    tokio::time::sleep(Duration::from_millis(u64::from(x))).await;
    now
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_for_its_rate_token_before_its_permit() {
    // The second call gets its token at 1 s and its permit at 5 s; the third call's token is ready by then.
    let starts = pipeline![both].with(Instant::now()).collect([5000, 0, 0]).await.unwrap();
    assert_eq!(starts, [0, 5000, 5000]);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_dropped_while_it_waits_takes_no_token() {
    let pipeline = pipeline![call.rate("1/s")].with(Instant::now());
    pipeline.run(0).await.unwrap();
    assert!(tokio::time::timeout(ms(500), pipeline.run(1)).await.is_err());
    assert_eq!(pipeline.run(2).await.unwrap(), 1000);
}

#[stage(rate = "1/s", deadline = "500ms")]
async fn impatient(x: u32) -> u32 {
    x
}

#[tokio::test(start_paused = true)]
async fn a_call_whose_deadline_passes_while_it_waits_for_a_token_is_never_attempted() {
    let results = pipeline![impatient].settle([1, 2]).await;
    assert_eq!(results[0].as_ref().unwrap(), &1);
    let error = results[1].as_ref().unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (pipeline::ErrorKind::DeadlineExceeded, 0));
    assert_eq!(error.to_string(), "stage `impatient` ran out of time in 500ms");
}

#[stage(rate = "5/s")]
async fn paced(x: u64, #[state] start: &Instant) -> (u64, u128) {
    (x, start.elapsed().as_millis())
}

#[tokio::test(start_paused = true)]
async fn the_rate_of_a_stage_is_shared_by_all_workers_and_clones_and_reached() {
    for_each_worker_count!(|workers| {
        let pipeline = pipeline![paced].with(Instant::now()).on_workers(workers);
        let other = pipeline.clone();
        let (mine, others) = tokio::join!(pipeline.collect(0..6), other.collect(0..6));
        let mut starts: Vec<_> = mine.unwrap().into_iter().chain(others.unwrap()).map(|(_, at)| at).collect();
        starts.sort_unstable();
        assert_eq!(starts, [0, 0, 0, 0, 0, 200, 400, 600, 800, 1000, 1200, 1400], "{workers} workers");
    });
}
