//! Runs whose future or stream is dropped.

use std::sync::Arc;
use std::time::Duration;

use pipeline::{pipeline, stage};

use crate::support::drop_counter::{CountedItem, DropCounter};
use crate::support::worker_counts::{OnWorkers, for_each_worker_count};
use crate::support::{Gauge, ms};

/// Sleeps for `x` milliseconds.
#[stage]
async fn work(x: u64, #[state] gauge: &Arc<Gauge>) -> u64 {
    let _inside = gauge.enter();
    tokio::time::sleep(ms(x)).await;
    x
}

#[tokio::test(start_paused = true)]
async fn dropping_the_future_of_a_run_drops_all_its_calls() {
    for_each_worker_count!(|workers| {
        let gauge = Arc::new(Gauge::default());
        let pipeline =
            pipeline![work => |x| vec![x] => each => work].with(Arc::clone(&gauge)).on_workers(workers);
        let single = pipeline![work].with(Arc::clone(&gauge)).on_workers(workers);
        assert!(tokio::time::timeout(ms(150), pipeline.drain(vec![100; 500])).await.is_err());
        assert!(tokio::time::timeout(ms(150), pipeline.collect(vec![100; 500])).await.is_err());
        assert!(tokio::time::timeout(ms(150), single.settle(vec![100; 500])).await.is_err());
        assert!(tokio::time::timeout(ms(10), single.run(100)).await.is_err());
        let mut outputs = pipeline.stream(vec![100; 500]);
        assert!(tokio::time::timeout(ms(150), outputs.next()).await.is_err());
        drop(outputs);
        // The runtime drops aborted tasks when it polls them next.
        tokio::time::sleep(ms(1)).await;
        assert_eq!(gauge.now(), 0, "{workers} workers");
    });
}

#[stage]
async fn hold(item: CountedItem, #[state] gauge: &Arc<Gauge>) -> CountedItem {
    let _inside = gauge.enter();
    tokio::time::sleep(ms(10 + item.x)).await;
    item
}

#[tokio::test(start_paused = true)]
async fn dropping_a_stream_cancels_and_drops_the_remaining_items() {
    for_each_worker_count!(|workers| {
        let (counter, gauge) = (DropCounter::default(), Arc::new(Gauge::default()));
        let pipeline =
            pipeline![hold => |item| [item] => each => hold].with(Arc::clone(&gauge)).concurrency(6);
        let mut outputs = pipeline.on_workers(workers).stream(counter.items());
        let kept = outputs.next().await.unwrap().unwrap();
        assert!(gauge.now() > 0);
        drop(outputs);
        tokio::time::sleep(ms(1)).await;
        let made = counter.made();
        assert_eq!((counter.alive(), gauge.now()), (1, 0), "all items but the one that was read are dropped");
        drop(kept);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!((counter.alive(), counter.made()), (0, made), "no item is created after the drop");
    });
}
