//! Readers that are slow, stop reading, or leave.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pipeline::{pipeline, stage};
use tokio::time::Instant;

use crate::support::worker_counts::{Spread, however_spread};
use crate::support::{Gauge, ms};

/// Counts those that are made and not yet dropped.
#[derive(Debug, Clone, Default)]
struct Counts {
    made: Arc<AtomicUsize>,
    dropped: Arc<AtomicUsize>,
}

impl Counts {
    fn items(&self) -> impl Iterator<Item = Counted> + Send + use<> {
        let counts = self.clone();
        (0..).map(move |x| {
            counts.made.fetch_add(1, Ordering::Relaxed);
            Counted { x, dropped: Arc::clone(&counts.dropped) }
        })
    }

    fn made(&self) -> usize {
        self.made.load(Ordering::Relaxed)
    }

    fn left(&self) -> usize {
        self.made() - self.dropped.load(Ordering::Relaxed)
    }
}

#[derive(Debug)]
struct Counted {
    x: u64,
    dropped: Arc<AtomicUsize>,
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.dropped.fetch_add(1, Ordering::Relaxed);
    }
}

#[stage]
async fn carry(item: Counted, #[state] gauge: &Arc<Gauge>) -> Counted {
    let _inside = gauge.enter();
    // Some are ready at once.
    if !item.x.is_multiple_of(3) {
        tokio::time::sleep(ms(item.x % 3)).await;
    }
    item
}

#[tokio::test(start_paused = true)]
async fn a_source_is_not_read_far_ahead_of_a_reader_who_stops() {
    however_spread!(|workers| {
        for (concurrency, ordered) in [(1, true), (8, true), (8, false), (100, true), (100, false)] {
            let (counts, gauge) = (Counts::default(), Arc::new(Gauge::default()));
            let line = pipeline![carry => |item| item].with(Arc::clone(&gauge)).concurrency(concurrency);
            let line = if ordered { line } else { line.unordered() };
            let mut outputs = line.spread(workers).stream(counts.items());
            let mut read = 0;
            for rest in [1_usize, 20, 3] {
                for _ in 0..rest {
                    assert!(outputs.next().await.unwrap().is_ok());
                }
                read += rest;
                tokio::time::sleep(Duration::from_secs(60)).await;
                let ahead = counts.made() - read;
                assert!(ahead <= 6 * concurrency + 64, "{ahead} ahead, {workers} workers of {concurrency}");
                assert_eq!(gauge.now(), 0, "what is under way goes on while nobody reads");
            }
            drop(outputs);
            tokio::time::sleep(ms(1)).await;
            assert_eq!((counts.left(), gauge.now()), (0, 0), "nothing is left behind");
        }
    });
}

#[tokio::test(start_paused = true)]
async fn boundaries_hold_back_a_source_as_well() {
    however_spread!(|workers| {
        let (counts, gauge) = (Counts::default(), Arc::new(Gauge::default()));
        let line = pipeline![carry => |item| vec![item] => each => carry => batch(4) => |items| items];
        let line = line.with(Arc::clone(&gauge)).concurrency(8).spread(workers);
        let mut outputs = line.stream(counts.items());
        outputs.next().await.unwrap().unwrap();
        tokio::time::sleep(Duration::from_secs(60)).await;
        let ahead = counts.made();
        assert!(ahead <= 4 * (6 * 8 + 64), "{ahead} ahead");
        drop(outputs);
        tokio::time::sleep(ms(1)).await;
        assert_eq!((counts.left(), gauge.now()), (0, 0));
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

#[tokio::test(start_paused = true)]
async fn runs_that_end_free_all_items() {
    however_spread!(|workers| {
        let (counts, gauge) = (Counts::default(), Arc::new(Gauge::default()));
        let line = pipeline![hold].with(Arc::clone(&gauge)).concurrency(6).spread(workers);
        line.drain(counts.items().take(30)).await.unwrap();
        tokio::time::sleep(ms(1)).await;
        assert_eq!((counts.made(), counts.left(), gauge.now()), (30, 0, 0));
        drop(line.collect(counts.items().take(30)).await.unwrap());
        drop(line.settle(counts.items().take(30)).await);
        line.stream(counts.items().take(30)).report().await;
        tokio::time::sleep(ms(1)).await;
        assert_eq!((counts.left(), gauge.now()), (0, 0));
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
async fn what_is_under_way_goes_on_while_its_reader_takes_long() {
    however_spread!(|workers| {
        for ordered in [true, false] {
            let line = pipeline![timed].concurrency(8);
            let line = if ordered { line } else { line.unordered() };
            let mut outputs = line.spread(workers).stream(0..24);
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
