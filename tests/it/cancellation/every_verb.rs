//! Every verb ends soon after a stop, whatever its source does, and reads no further.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::stream::{self, StreamExt};
use pipeline::{ErrorMode, pipeline, source, stage};
use tokio_util::sync::CancellationToken;

use crate::support::ms;
use crate::support::worker_counts::{OnWorkers, for_each_worker_count};

/// Runs a verb to its end.
macro_rules! run {
    ($pipeline:expr, $verb:expr, $source:expr) => {
        match $verb {
            "drain" => drop($pipeline.drain($source).await),
            "collect" => drop($pipeline.collect($source).await),
            "settle" => drop($pipeline.settle($source).await),
            _ => {
                let mut outputs = $pipeline.stream($source);
                while outputs.next().await.is_some() {}
            }
        }
    };
}

#[stage]
async fn work(x: u64) -> u64 {
    tokio::time::sleep(ms(10)).await;
    x
}

#[tokio::test(start_paused = true)]
async fn every_verb_with_every_kind_of_source_ends_after_a_stop_and_reads_no_further() {
    for_each_worker_count!(|workers| {
        for hard in [false, true] {
            for verb in ["drain", "collect", "settle", "stream"] {
                for kind in ["iterator", "stream", "pending stream"] {
                    let case = format!("{workers} workers, hard: {hard}, {verb} of an endless {kind}");
                    let tokens = [CancellationToken::new(), CancellationToken::new()];
                    let read = Arc::new(AtomicUsize::new(0));
                    let counter = Arc::clone(&read);
                    let items = (0_u64..).inspect(move |_| {
                        counter.fetch_add(1, Ordering::Relaxed);
                    });
                    let pipeline = pipeline![work].concurrency(4).on_error(ErrorMode::Lenient);
                    let pipeline = pipeline.cancel_on(tokens[0].clone()).cancel_on(tokens[1].clone());
                    let pipeline = pipeline.on_workers(workers);
                    let run = tokio::spawn(async move {
                        match kind {
                            "iterator" => run!(pipeline, verb, items),
                            "stream" => run!(pipeline, verb, source::stream(stream::iter(items))),
                            _ => {
                                let items = stream::iter(items.take(3)).chain(stream::pending());
                                run!(pipeline, verb, source::stream(items));
                            }
                        }
                    });
                    tokio::time::sleep(ms(95)).await;
                    tokens[0].cancel();
                    if hard {
                        tokens[1].cancel();
                    }
                    tokio::task::yield_now().await;
                    let read_at_stop = read.load(Ordering::Relaxed);
                    tokio::time::timeout(ms(1000), run).await.expect(&case).unwrap();
                    let read_later = read.load(Ordering::Relaxed) - read_at_stop;
                    assert!(read_later <= 1, "{case}: {read_later} items were read after the stop");
                }
            }
        }
    });
}
