//! Bounds on what goes on at once: they hold over all lanes, workers and clones of a run, and are reached.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use pipeline::{ErrorMode, pipeline, source, stage};
use tokio::sync::{Semaphore, mpsc};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::support::worker_counts::{Spread, however_spread};
use crate::support::{Gauge, Refused, ms};

#[stage(concurrency = 3)]
async fn narrow(x: u64, #[state] gauge: &Arc<Gauge>) -> u64 {
    let _inside = gauge.enter();
    tokio::time::sleep(ms(1000)).await;
    x
}

/// Until nothing can go on any more at this time.
async fn settled() {
    tokio::time::sleep(ms(1)).await;
}

#[tokio::test(start_paused = true)]
async fn the_concurrency_of_a_stage_holds_over_all_workers_and_is_reached() {
    however_spread!(|workers| {
        let (gauge, start) = (Arc::new(Gauge::default()), Instant::now());
        let line = pipeline![narrow].with(Arc::clone(&gauge)).concurrency(20).spread(workers);
        line.drain(0..12).await.unwrap();
        assert_eq!((gauge.most(), start.elapsed()), (3, ms(4000)), "{workers} workers");
    });
}

#[tokio::test(start_paused = true)]
async fn the_concurrency_of_a_stage_holds_over_clones_that_run_at_once() {
    let (gauge, start) = (Arc::new(Gauge::default()), Instant::now());
    let line = pipeline![narrow].with(Arc::clone(&gauge));
    let (lazy, busy) = (line.clone().concurrency(7), line.clone().workers(2));
    let (a, b, c) = tokio::join!(line.drain(0..4), lazy.collect(0..4), busy.settle(0..4));
    assert!(a.is_ok() && b.is_ok() && c.iter().all(Result::is_ok));
    assert_eq!((gauge.most(), start.elapsed()), (3, ms(4000)));
}

#[cfg(feature = "rate")]
#[stage(rate = "5/s")]
async fn paced(x: u64, #[state] start: &Instant) -> (u64, u128) {
    (x, start.elapsed().as_millis())
}

#[cfg(feature = "rate")]
#[tokio::test(start_paused = true)]
async fn the_rate_of_a_stage_holds_over_all_workers_and_clones_and_is_reached() {
    however_spread!(|workers| {
        let line = pipeline![paced].with(Instant::now()).spread(workers);
        let other = line.clone();
        let (mine, others) = tokio::join!(line.collect(0..6), other.collect(0..6));
        let mut starts: Vec<_> = mine.unwrap().into_iter().chain(others.unwrap()).map(|(_, at)| at).collect();
        starts.sort_unstable();
        assert_eq!(starts, [0, 0, 0, 0, 0, 200, 400, 600, 800, 1000, 1200, 1400], "{workers} workers");
    });
}

#[stage]
async fn wide(x: u64, #[state] gauge: &Arc<Gauge>) -> u64 {
    let _inside = gauge.enter();
    tokio::time::sleep(ms(1000)).await;
    x
}

#[tokio::test(start_paused = true)]
async fn the_concurrency_of_a_pipeline_holds_over_all_its_workers_and_is_reached() {
    however_spread!(|workers| {
        for concurrency in [1, 2, 7, 64] {
            let gauge = Arc::new(Gauge::default());
            let line = pipeline![wide].with(Arc::clone(&gauge)).concurrency(concurrency).spread(workers);
            line.drain(0..200).await.unwrap();
            assert_eq!(gauge.most(), concurrency, "{workers} workers");
        }
    });
}

/// Goes on in steps, so that its task is woken while it stays under way.
#[stage]
async fn stepping(x: u64, #[state] gauge: &Arc<Gauge>) -> u64 {
    let _inside = gauge.enter();
    for _ in 0..=(x % 5) {
        tokio::time::sleep(ms(x % 3)).await;
    }
    std::future::pending().await
}

#[tokio::test(start_paused = true)]
async fn an_item_that_is_there_is_begun_whenever_there_is_room() {
    for seed in 0..100 {
        let mut rng = fastrand::Rng::with_seed(seed);
        let (workers, concurrency) = (rng.usize(1..=4), rng.usize(4..=12));
        let gauge = Arc::new(Gauge::default());
        let (send, mut receive) = mpsc::unbounded_channel();
        let items = futures_util::stream::poll_fn(move |cx| receive.poll_recv(cx));
        let line = pipeline![stepping].with(Arc::clone(&gauge)).concurrency(concurrency).workers(workers);
        let run = tokio::spawn(async move { line.drain(source::stream(items)).await });
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
async fn a_slow_item_holds_nobody_up_who_need_not_wait_for_its_turn() {
    however_spread!(|workers| {
        let done = Arc::new(AtomicUsize::new(0));
        let line = pipeline![one_is_slow].with(Arc::clone(&done)).concurrency(4).spread(workers).unordered();
        let mut outputs = line.stream(0..100);
        for _ in 0..99 {
            let next = tokio::time::timeout(ms(1000), outputs.next()).await;
            assert!(next.is_ok(), "{workers} workers: stuck after {done:?}");
        }
    });
}

/// Uses up four of the 128 things that tokio lets a task do before others get their turn: 32 calls use up all.
#[stage]
async fn thirsty(x: u64, #[state] semaphore: &Arc<Semaphore>) -> u64 {
    tokio::time::sleep(ms(10)).await;
    for _ in 0..x {
        drop(semaphore.acquire().await);
    }
    x
}

#[tokio::test(start_paused = true)]
async fn calls_that_use_up_the_budget_of_their_task_are_gone_on_with() {
    however_spread!(|workers| {
        for cost in 0..8 {
            let line =
                pipeline![thirsty].with(Arc::new(Semaphore::new(1000))).concurrency(300).spread(workers);
            let outputs = tokio::time::timeout(ms(5000), line.collect(vec![cost; 300])).await;
            assert!(outputs.is_ok(), "{workers} workers hang at a cost of {cost}");
        }
    });
}

#[stage]
async fn late_or_never(x: u64, #[state] gauge: &Arc<Gauge>) -> Result<u64, Refused> {
    let _inside = gauge.enter();
    match x {
        0 => tokio::time::sleep(ms(1000)).await,
        _ => std::future::pending().await,
    }
    Err(Refused(1))
}

#[tokio::test(start_paused = true)]
async fn a_run_is_stopped_at_once_though_all_lanes_of_all_workers_are_taken() {
    however_spread!(|workers| {
        let (gauge, start) = (Arc::new(Gauge::default()), Instant::now());
        let line = pipeline![late_or_never].with(Arc::clone(&gauge)).concurrency(3).spread(workers);
        let aborted = tokio::time::timeout(ms(60_000), line.drain(0..9)).await;
        let aborted = aborted.expect("the run goes on").unwrap_err();
        assert_eq!((aborted.failure.index, start.elapsed(), gauge.now()), (0, ms(1000), 0));

        let tokens = [CancellationToken::new(), CancellationToken::new()];
        let line =
            tokens.iter().fold(line.on_error(ErrorMode::Lenient), |line, it| line.cancel_on(it.clone()));
        let run = tokio::spawn(async move { line.drain(1..9).await });
        settled().await;
        tokens.iter().for_each(CancellationToken::cancel);
        let report = tokio::time::timeout(ms(60_000), run).await;
        let report = report.unwrap_or_else(|_| panic!("{workers} workers go on")).unwrap().unwrap();
        assert_eq!(report.items_cancelled(), report.items_in());
        assert_eq!(gauge.now(), 0);
    });
}
