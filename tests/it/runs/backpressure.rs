//! Back-pressure: how far a run goes ahead of a reader that is slow or stops reading.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pipeline::{ErrorMode, pipeline, stage};
use tokio::time::Instant;

use crate::support::drop_counter::{CountedItem, DropCounter};
use crate::support::worker_counts::{OnWorkers, for_each_worker_count};
use crate::support::{Gauge, Refused, ms};

#[stage]
async fn carry(item: CountedItem, #[state] gauge: &Arc<Gauge>) -> CountedItem {
    let _inside = gauge.enter();
    // A third of the items is ready immediately.
    if !item.x.is_multiple_of(3) {
        tokio::time::sleep(ms(item.x % 3)).await;
    }
    item
}

#[tokio::test(start_paused = true)]
async fn a_source_is_not_read_far_ahead_of_a_reader_that_stops() {
    for_each_worker_count!(|workers| {
        for (concurrency, ordered) in [(1, true), (8, true), (8, false), (100, true), (100, false)] {
            let (counter, gauge) = (DropCounter::default(), Arc::new(Gauge::default()));
            let pipeline = pipeline![carry => |item| item].with(Arc::clone(&gauge)).concurrency(concurrency);
            let pipeline = if ordered { pipeline } else { pipeline.unordered() };
            let mut outputs = pipeline.on_workers(workers).stream(counter.items());
            let mut read = 0;
            for rest in [1_usize, 20, 3] {
                for _ in 0..rest {
                    assert!(outputs.next().await.unwrap().is_ok());
                }
                read += rest;
                tokio::time::sleep(Duration::from_secs(60)).await;
                let ahead = counter.made() - read;
                assert!(
                    ahead <= 6 * concurrency + 64,
                    "{ahead} ahead, {workers} workers, concurrency {concurrency}"
                );
                assert_eq!(gauge.now(), 0, "items in flight finish while nobody reads");
            }
            drop(outputs);
            tokio::time::sleep(ms(1)).await;
            assert_eq!((counter.alive(), gauge.now()), (0, 0), "all items and calls are dropped");
        }
    });
}

#[tokio::test(start_paused = true)]
async fn backpressure_reaches_the_source_through_boundaries() {
    for_each_worker_count!(|workers| {
        let (counter, gauge) = (DropCounter::default(), Arc::new(Gauge::default()));
        let pipeline = pipeline![carry => |item| vec![item] => each => carry => batch(4) => |items| items];
        let pipeline = pipeline.with(Arc::clone(&gauge)).concurrency(8).on_workers(workers);
        let mut outputs = pipeline.stream(counter.items());
        outputs.next().await.unwrap().unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        let ahead = counter.made();
        assert!(ahead <= 4 * (6 * 8 + 64), "{ahead} ahead");
        drop(outputs);
        tokio::time::sleep(ms(1)).await;
        assert_eq!((counter.alive(), gauge.now()), (0, 0));
    });
}

#[stage]
async fn timed(_x: u64) -> Duration {
    let start = Instant::now();
    for _ in 0..5 {
        tokio::time::sleep(ms(1)).await;
    }
    start.elapsed()
}

#[tokio::test(start_paused = true)]
async fn items_in_flight_continue_while_the_reader_is_slow() {
    for_each_worker_count!(|workers| {
        for ordered in [true, false] {
            let pipeline = pipeline![timed].concurrency(8);
            let pipeline = if ordered { pipeline } else { pipeline.unordered() };
            let mut outputs = pipeline.on_workers(workers).stream(0..24);
            let mut taken = Vec::new();
            while let Some(output) = outputs.next().await {
                taken.push(output.unwrap());
                tokio::time::sleep(ms(100)).await;
            }
            assert_eq!(taken.len(), 24);
            assert!(taken.iter().all(|taken| *taken <= ms(50)), "{taken:?}");
        }
    });
}

#[stage]
async fn only_zero(x: u64) -> Result<u64, Refused> {
    if x == 0 { Ok(x) } else { Err(Refused(1)) }
}

#[tokio::test(start_paused = true)]
async fn failures_behind_an_unfinished_batch_do_not_pile_up() {
    for_each_worker_count!(|workers| {
        let read = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&read);
        let source = (0..).inspect(move |_| {
            counter.fetch_add(1, Ordering::Relaxed);
        });
        let pipeline = pipeline![only_zero => batch(10)].concurrency(4).on_error(ErrorMode::Lenient);
        let mut outputs = pipeline.on_workers(workers).stream(source);
        // The batch is emitted although it is not full, because no more failures can wait behind it.
        assert_eq!(outputs.next().await.unwrap().unwrap(), [0]);
        for index in 1..100 {
            assert_eq!(outputs.next().await.unwrap().unwrap_err().index, index);
        }
        tokio::time::sleep(Duration::from_secs(60)).await;
        let read = read.load(Ordering::Relaxed);
        assert!(read <= 200, "{read} items were read, and 100 results");
    });
}
