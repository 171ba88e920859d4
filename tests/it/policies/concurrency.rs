//! The concurrency of a stage: permits that all items, workers and clones of a pipeline share.

use std::sync::Arc;
use std::time::Duration;

use pipeline::{pipeline, stage};
use tokio::time::Instant;

use crate::support::worker_counts::{OnWorkers, for_each_worker_count};
use crate::support::{Act, Gauge, Refused, Service, ms};

#[stage(concurrency = 3)]
async fn upload(x: u32, #[state] gauge: &Gauge) -> u32 {
    let _inside = gauge.enter();
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(gauge.most() <= 3);
    x
}

#[tokio::test(start_paused = true)]
async fn as_many_calls_run_at_once_as_the_concurrency_of_the_stage_allows() {
    let start = Instant::now();
    let results = pipeline![upload].with(Gauge::default()).settle(0..9).await;
    assert!(results.iter().all(Result::is_ok), "{results:?}");
    // Nine calls of one second, exactly three at a time.
    assert_eq!(start.elapsed(), Duration::from_secs(3));
}

#[tokio::test(start_paused = true)]
async fn clones_of_a_pipeline_share_a_stages_limit_and_another_use_has_its_own() {
    let start = Instant::now();
    let pipeline = pipeline![upload].with(Gauge::default());
    let clone = pipeline.clone();
    let (a, b) = tokio::join!(pipeline.settle(0..3), clone.settle(0..3));
    assert!(a.into_iter().chain(b).all(|result| result.is_ok()));
    assert_eq!(start.elapsed(), Duration::from_secs(2));

    let start = Instant::now();
    let (one, other) = (pipeline![upload].with(Gauge::default()), pipeline![upload].with(Gauge::default()));
    tokio::join!(one.settle(0..3), other.settle(0..3));
    assert_eq!(start.elapsed(), Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn an_override_changes_the_concurrency_of_a_stage() {
    let start = Instant::now();
    pipeline![upload.concurrency(1)].with(Gauge::default()).settle(0..3).await;
    assert_eq!(start.elapsed(), Duration::from_secs(3));
}

#[stage(concurrency = 1, retries = 1, delay = "10s")]
async fn flaky(#[state] service: &Service) -> Result<(), Refused> {
    service.call().await
}

#[tokio::test(start_paused = true)]
async fn no_permit_is_held_during_a_backoff_wait() {
    // The first item fails and waits 10 s; the second one is processed meanwhile.
    let service = Service::new([Act::Fail(503), Act::Slow(ms(1000)), Act::Answer]);
    let start = Instant::now();
    let pipeline = pipeline![flaky => |()| Instant::now()].with(service);
    let ends = pipeline.collect([(), ()]).await.unwrap();
    assert_eq!(ends[1] - start, ms(1000));
    assert_eq!(ends[0] - start, ms(10_000));
}

#[tokio::test(start_paused = true)]
async fn a_permit_is_released_when_its_call_is_dropped_times_out_or_panics() {
    #[stage(concurrency = 1, timeout = "1s")]
    async fn stuck(x: u32) -> u32 {
        assert!(x != 0, "zero");
        tokio::time::sleep(Duration::from_secs(u64::from(x))).await;
        x
    }
    let pipeline = pipeline![stuck];
    let dropped = tokio::time::timeout(ms(10), pipeline.run(60)).await;
    assert!(dropped.is_err());
    let results = pipeline.settle([60, 0, 60]).await;
    assert!(results.iter().all(Result::is_err));
    let results = tokio::time::timeout(ms(10_000), pipeline.settle([0, 0])).await.unwrap();
    assert_eq!(results.len(), 2);
}

#[stage(concurrency = 3)]
async fn narrow(x: u64, #[state] gauge: &Arc<Gauge>) -> u64 {
    let _inside = gauge.enter();
    tokio::time::sleep(ms(1000)).await;
    x
}

#[tokio::test(start_paused = true)]
async fn the_concurrency_of_a_stage_is_shared_by_all_workers_and_reached() {
    for_each_worker_count!(|workers| {
        let (gauge, start) = (Arc::new(Gauge::default()), Instant::now());
        let pipeline = pipeline![narrow].with(Arc::clone(&gauge)).concurrency(20).on_workers(workers);
        pipeline.drain(0..12).await.unwrap();
        assert_eq!((gauge.most(), start.elapsed()), (3, ms(4000)), "{workers} workers");
    });
}

#[tokio::test(start_paused = true)]
async fn the_concurrency_of_a_stage_is_shared_by_clones_that_run_at_once() {
    let (gauge, start) = (Arc::new(Gauge::default()), Instant::now());
    let pipeline = pipeline![narrow].with(Arc::clone(&gauge));
    let (lazy, busy) = (pipeline.clone().concurrency(7), pipeline.clone().workers(2));
    let (a, b, c) = tokio::join!(pipeline.drain(0..4), lazy.collect(0..4), busy.settle(0..4));
    assert!(a.is_ok() && b.is_ok() && c.iter().all(Result::is_ok));
    assert_eq!((gauge.most(), start.elapsed()), (3, ms(4000)));
}
