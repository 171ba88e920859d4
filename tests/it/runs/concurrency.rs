//! The concurrency of a pipeline: how many of its items are in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pipeline::{pipeline, stage};
use tokio::time::Instant;

use crate::support::worker_counts::{OnWorkers, for_each_worker_count};
use crate::support::{Gauge, ms};

#[stage]
async fn gauged(#[state] gauge: &Gauge) -> usize {
    let _inside = gauge.enter();
    tokio::time::sleep(Duration::from_secs(1)).await;
    gauge.most()
}

#[tokio::test(start_paused = true)]
async fn as_many_items_are_in_flight_as_the_concurrency_of_the_pipeline_allows() {
    let start = Instant::now();
    let most = pipeline![gauged].with(Gauge::default()).concurrency(4).collect(vec![(); 12]).await;
    assert_eq!(most.unwrap().into_iter().max(), Some(4));
    assert_eq!(start.elapsed(), Duration::from_secs(3));

    let most = pipeline![gauged].with(Gauge::default()).collect(vec![(); 200]).await;
    assert_eq!(most.unwrap().into_iter().max(), Some(64));
}

#[stage]
async fn pass(x: u64) -> u64 {
    x
}

#[test]
#[should_panic(expected = "a pipeline with `concurrency(0)` would never start an item")]
fn a_concurrency_of_zero_panics() {
    let _ = pipeline![pass].concurrency(0);
}

#[tokio::test(start_paused = true)]
async fn a_huge_concurrency_works() {
    for concurrency in [100_000, usize::MAX] {
        let pipeline = pipeline![pass].concurrency(concurrency);
        assert_eq!(pipeline.collect(0..100).await.unwrap().len(), 100);
        assert_eq!(pipeline.stream(0..100).report().await.items_out(), 100);
        let pipeline = pipeline.workers(2);
        assert_eq!(pipeline.collect(0..100).await.unwrap().len(), 100);
        assert_eq!(pipeline.drain(0..100).await.unwrap().items_out(), 100);
    }
}

#[stage]
async fn one_is_slow(x: u64, #[state] done: &Arc<AtomicUsize>) -> u64 {
    if x == 0 {
        tokio::time::sleep(Duration::from_secs(3600)).await;
    }
    tokio::time::sleep(ms(1)).await;
    done.fetch_add(1, Ordering::Relaxed);
    x
}

#[tokio::test(start_paused = true)]
async fn a_slow_item_does_not_delay_others_in_an_unordered_run() {
    for_each_worker_count!(|workers| {
        let done = Arc::new(AtomicUsize::new(0));
        let pipeline =
            pipeline![one_is_slow].with(Arc::clone(&done)).concurrency(4).on_workers(workers).unordered();
        let mut outputs = pipeline.stream(0..100);
        for _ in 0..99 {
            let next = tokio::time::timeout(ms(1000), outputs.next()).await;
            assert!(next.is_ok(), "{workers} workers: stuck after {done:?}");
        }
    });
}
