//! `workers`: one run over several tasks.

use std::sync::Arc;

use pipeline::{pipeline, source, stage};
use tokio::sync::mpsc;

use crate::support::worker_counts::{OnWorkers, for_each_worker_count};
use crate::support::{Gauge, ms};

/// Waits until all tasks are idle.
async fn settled() {
    tokio::time::sleep(ms(1)).await;
}

#[test]
fn one_worker_runs_on_the_callers_task() {
    // Nothing is spawned, so no runtime is needed.
    let pipeline = pipeline![u64: |x| x + 1].workers(1);
    let outputs = without_runtime(pipeline.collect(0..3));
    assert_eq!(outputs.unwrap(), [1, 2, 3]);
}

/// Polls a future to its end without a runtime.
fn without_runtime<T>(future: impl Future<Output = T>) -> T {
    let mut future = std::pin::pin!(future);
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    loop {
        if let std::task::Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
    }
}

#[test]
#[should_panic(expected = "a pipeline with `workers(0)` would never run")]
fn zero_workers_panic() {
    let _ = pipeline![|x: u64| x].workers(0);
}

#[stage]
async fn wide(x: u64, #[state] gauge: &Arc<Gauge>) -> u64 {
    let _inside = gauge.enter();
    tokio::time::sleep(ms(1000)).await;
    x
}

#[tokio::test(start_paused = true)]
async fn the_concurrency_of_a_pipeline_is_shared_by_all_workers_and_reached() {
    for_each_worker_count!(|workers| {
        for concurrency in [1, 2, 7, 64] {
            let gauge = Arc::new(Gauge::default());
            let pipeline =
                pipeline![wide].with(Arc::clone(&gauge)).concurrency(concurrency).on_workers(workers);
            pipeline.drain(0..200).await.unwrap();
            assert_eq!(gauge.most(), concurrency, "{workers} workers");
        }
    });
}

/// Sleeps several times, so that its task is woken while the call stays in flight.
#[stage]
async fn stepping(x: u64, #[state] gauge: &Arc<Gauge>) -> u64 {
    let _inside = gauge.enter();
    for _ in 0..=(x % 5) {
        tokio::time::sleep(ms(x % 3)).await;
    }
    std::future::pending().await
}

#[tokio::test(start_paused = true)]
async fn an_available_item_starts_whenever_a_slot_is_free() {
    for seed in 0..100 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (workers, concurrency) = (rng.usize(1..=4), rng.usize(4..=12));
        let gauge = Arc::new(Gauge::default());
        let (send, mut receive) = mpsc::unbounded_channel();
        let items = futures_util::stream::poll_fn(move |cx| receive.poll_recv(cx));
        let pipeline = pipeline![stepping].with(Arc::clone(&gauge)).concurrency(concurrency).workers(workers);
        let run = tokio::spawn(async move { pipeline.drain(source::stream(items)).await });
        let mut sent = 0;
        while sent < concurrency + 2 {
            for _ in 0..rng.usize(1..=2) {
                send.send(rng.u64(..60)).unwrap();
                sent += 1;
            }
            if rng.bool() {
                tokio::time::sleep(ms(rng.u64(..3))).await;
            }
        }
        tokio::time::sleep(ms(100)).await;
        assert_eq!(gauge.now(), concurrency, "{workers} workers, seed {seed}");
        run.abort();
        settled().await;
        assert_eq!(gauge.now(), 0);
    }
}
