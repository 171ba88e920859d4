//! Runs whose future or stream is dropped.

use std::sync::Arc;
use std::time::Duration;

use pipeline::{pipeline, stage};

use crate::support::drop_counter::{Counted, Counts};
use crate::support::worker_counts::{Spread, however_spread};
use crate::support::{Gauge, ms};

/// Takes so many milliseconds.
#[stage]
async fn work(x: u64, #[state] gauge: &Arc<Gauge>) -> u64 {
    let _inside = gauge.enter();
    tokio::time::sleep(ms(x)).await;
    x
}

#[tokio::test(start_paused = true)]
async fn a_run_whose_future_is_dropped_stops_and_frees_all() {
    however_spread!(|workers| {
        let gauge = Arc::new(Gauge::default());
        let line = pipeline![work => |x| vec![x] => each => work].with(Arc::clone(&gauge)).spread(workers);
        let single = pipeline![work].with(Arc::clone(&gauge)).spread(workers);
        assert!(tokio::time::timeout(ms(150), line.drain(vec![100; 500])).await.is_err());
        assert!(tokio::time::timeout(ms(150), line.collect(vec![100; 500])).await.is_err());
        assert!(tokio::time::timeout(ms(150), single.settle(vec![100; 500])).await.is_err());
        assert!(tokio::time::timeout(ms(10), single.run(100)).await.is_err());
        let mut outputs = line.stream(vec![100; 500]);
        assert!(tokio::time::timeout(ms(150), outputs.next()).await.is_err());
        drop(outputs);
        // A task that is aborted is dropped when its runtime comes to it.
        tokio::time::sleep(ms(1)).await;
        assert_eq!(gauge.now(), 0, "{workers} workers");
    });
}

#[stage]
async fn hold(item: Counted, #[state] gauge: &Arc<Gauge>) -> Counted {
    let _inside = gauge.enter();
    tokio::time::sleep(ms(10 + item.x)).await;
    item
}

#[tokio::test(start_paused = true)]
async fn outputs_that_are_dropped_midway_cancel_what_is_left_and_free_it() {
    however_spread!(|workers| {
        let (counts, gauge) = (Counts::default(), Arc::new(Gauge::default()));
        let line = pipeline![hold => |item| [item] => each => hold].with(Arc::clone(&gauge)).concurrency(6);
        let mut outputs = line.spread(workers).stream(counts.items());
        let kept = outputs.next().await.unwrap().unwrap();
        assert!(gauge.now() > 0);
        drop(outputs);
        tokio::time::sleep(ms(1)).await;
        let made = counts.made();
        assert_eq!((counts.left(), gauge.now()), (1, 0), "all but the one that was read");
        drop(kept);
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert_eq!((counts.left(), counts.made()), (0, made), "and nothing goes on");
    });
}
