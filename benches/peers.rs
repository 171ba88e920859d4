//! The cases that count, each beside its peers, in one binary: what a peer's code costs depends on what it is compiled with.
//!
//! Three stages with an error each; the second one yields in the `yield` cases, as a fetch that is not cached does. All sides
//! do equal work. Give parts of names to run only those cases: `cargo bench -p benches --bench peers -- ready`.

#[path = "work.rs"]
mod work;

use std::future::{Future, ready};
use std::hint::black_box;
use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use benches::{Contest, Mark};
use futures::stream::{self, StreamExt};
use futures_buffered::BufferedStreamExt;
use pipeline::{pipeline, stage};
use tokio::runtime::Builder;
use tokio::task::yield_now;
use tokio::time::timeout;
use tower::retry::Policy;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt, service_fn};
use work::{Overflow, WIDTH, runtime};

const ITEMS: u32 = 100_000;
const ROUNDS: usize = 40;
const TIMEOUT: Duration = Duration::from_secs(5);

/// Whether the second stage yields.
static YIELDS: AtomicBool = AtomicBool::new(false);

#[stage]
async fn scale(x: u64) -> Result<u64, Overflow> {
    Ok(x.wrapping_mul(31))
}

#[stage]
async fn fetch(x: u64) -> Result<u64, Overflow> {
    if black_box(YIELDS.load(Ordering::Relaxed)) {
        yield_now().await;
    }
    Ok(x ^ 7)
}

#[stage]
async fn rotate(x: u64) -> Result<u64, Overflow> {
    Ok(x.rotate_left(3))
}

async fn by_hand(x: u64) -> Result<u64, Overflow> {
    let x = scale(x).await?;
    let x = fetch(x).await?;
    rotate(x).await
}

#[stage(retries = 3, timeout = "5s", backoff = "exponential")]
async fn limited_scale(x: u64) -> Result<u64, Overflow> {
    scale(x).await
}

#[stage(retries = 3, timeout = "5s", backoff = "exponential")]
async fn limited_fetch(x: u64) -> Result<u64, Overflow> {
    fetch(x).await
}

#[stage(retries = 3, timeout = "5s", backoff = "exponential")]
async fn limited_rotate(x: u64) -> Result<u64, Overflow> {
    rotate(x).await
}

#[stage]
fn pair(x: u64) -> Vec<u64> {
    vec![x, x + 1]
}

#[stage]
fn total(rows: &[u64]) -> u64 {
    rows.iter().fold(0, |sum, row| sum.wrapping_add(*row))
}

/// Computes for about 1.3 µs.
#[stage]
async fn digest(x: u64) -> u64 {
    (0..1350).fold(x, |hash, word| black_box((hash ^ word).wrapping_mul(0x0000_0100_0000_01b3)))
}

fn items() -> std::ops::Range<u64> {
    0..u64::from(ITEMS)
}

/// Sums what a call gives for each item, one after another.
async fn each_alone<F: Future<Output = u64>>(mut call: impl FnMut(u64) -> F) -> u64 {
    let mut sum = 0_u64;
    for x in items() {
        sum = sum.wrapping_add(call(black_box(x)).await);
    }
    sum
}

/// A retry policy for tower, as its documentation shows one.
#[derive(Debug, Clone)]
struct Attempts(u32);

impl Policy<u64, u64, BoxError> for Attempts {
    type Future = std::future::Ready<()>;

    fn retry(&mut self, _: &mut u64, result: &mut Result<u64, BoxError>) -> Option<Self::Future> {
        if result.is_ok() || self.0 == 0 {
            return None;
        }
        self.0 -= 1;
        Some(ready(()))
    }

    fn clone_request(&mut self, request: &u64) -> Option<u64> {
        Some(*request)
    }
}

async fn by_tower() -> u64 {
    macro_rules! service {
        ($stage:ident) => {
            ServiceBuilder::new()
                .retry(Attempts(3))
                .timeout(TIMEOUT)
                .service(service_fn(|x: u64| async move { $stage(x).await.map_err(BoxError::from) }))
        };
    }
    let (mut scale, mut fetch, mut rotate) = (service!(scale), service!(fetch), service!(rotate));
    let mut sum = 0_u64;
    for x in items() {
        let x = scale.ready().await.expect("it is ready").call(black_box(x)).await.expect("nothing fails");
        let x = fetch.ready().await.expect("it is ready").call(x).await.expect("nothing fails");
        let x = rotate.ready().await.expect("it is ready").call(x).await.expect("nothing fails");
        sum = sum.wrapping_add(x);
    }
    sum
}

async fn by_backon() -> u64 {
    async fn retried<F: Future<Output = Result<u64, Overflow>>>(x: u64, call: fn(u64) -> F) -> u64 {
        let attempt = || async move {
            timeout(TIMEOUT, call(x)).await.map_err(BoxError::from)?.map_err(BoxError::from)
        };
        attempt.retry(ExponentialBuilder::default().with_max_times(3)).await.expect("nothing fails")
    }
    each_alone(|x| async move {
        let x = retried(x, scale).await;
        let x = retried(x, fetch).await;
        retried(x, rotate).await
    })
    .await
}

/// Counts what comes out.
async fn counted(outputs: impl futures::Stream<Item = Result<u64, Overflow>>) -> usize {
    let mut outputs = pin!(outputs);
    let mut count = 0;
    while let Some(output) = outputs.next().await {
        black_box(output.expect("nothing fails"));
        count += 1;
    }
    count
}

async fn collected(outputs: impl futures::Stream<Item = Result<u64, Overflow>>) -> Vec<u64> {
    outputs.map(|output| output.expect("nothing fails")).collect().await
}

async fn flow_by_futures() -> usize {
    let pairs = stream::iter(items()).map(|x| async move { pair(scale(x).await.expect("nothing fails")) });
    let rows = StreamExt::buffered(pairs, WIDTH).flat_map(stream::iter);
    let fetched = rows.map(|x| async move { fetch(x).await.expect("nothing fails") });
    let batches = StreamExt::buffered(fetched, WIDTH).chunks(100).map(|rows| async move { total(&rows) });
    StreamExt::buffered(batches, WIDTH).map(black_box).count().await
}

/// Each half of the items on a task of its own.
async fn digests_by_two_tasks() -> usize {
    let half = u64::from(ITEMS) / 2;
    let task = |items: std::ops::Range<u64>| {
        tokio::spawn(async move {
            let mut digests = Vec::new();
            for x in items {
                digests.push(digest(x).await);
            }
            digests
        })
    };
    let (first, second) = (task(0..half), task(half..half * 2));
    let mut digests = first.await.expect("nothing panics");
    digests.extend(second.await.expect("nothing panics"));
    digests.len()
}

fn main() {
    let wanted: Vec<_> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let wants = |name: &str| wanted.is_empty() || wanted.iter().any(|part| name.contains(part.as_str()));
    let runtime = runtime();
    let run = &runtime;
    let plain = pipeline![scale => fetch => rotate];
    let one_by_one = &plain;
    let wide = plain.clone().concurrency(WIDTH);
    let unordered = wide.clone().unordered();

    if wants("one item") {
        Contest::new("one item", ITEMS)
            .side("by hand", || {
                run.block_on(each_alone(|x| async move { by_hand(x).await.expect("nothing fails") }))
            })
            .marked("pipeline", Mark::Within(1.5), || {
                run.block_on(each_alone(|x| async move { one_by_one.run(x).await.expect("nothing fails") }))
            })
            .run(ROUNDS);
    }
    if wants("policies") {
        let limited = pipeline![limited_scale => limited_fetch => limited_rotate];
        let with_policies = &limited;
        Contest::new("policies: retries and a timeout on each stage", ITEMS)
            .side("pipeline", || {
                run.block_on(each_alone(
                    |x| async move { with_policies.run(x).await.expect("nothing fails") },
                ))
            })
            .marked("tower", Mark::Ratio(6.0), || run.block_on(by_tower()))
            .marked("backon", Mark::Ratio(8.0), || run.block_on(by_backon()))
            .run(ROUNDS / 2);
    }
    for (yields, marks) in [(false, [1.5, 2.5, 1.3, 2.0]), (true, [1.4, 2.2, 1.1, 1.5])] {
        let kind = if yields { "one yield" } else { "ready" };
        let calls = || stream::iter(items()).map(by_hand);
        YIELDS.store(yields, Ordering::Relaxed);
        if wants(&format!("{kind}, ordered")) {
            Contest::new(if yields { "one yield, ordered" } else { "ready, ordered" }, ITEMS)
                .side("pipeline", || run.block_on(wide.collect(items())).expect("nothing fails"))
                .marked("futures-buffered", Mark::Ratio(marks[0]), || {
                    run.block_on(collected(BufferedStreamExt::buffered_ordered(calls(), WIDTH)))
                })
                .marked("futures", Mark::Ratio(marks[1]), || {
                    run.block_on(collected(StreamExt::buffered(calls(), WIDTH)))
                })
                .run(ROUNDS);
        }
        if wants(&format!("{kind}, unordered")) {
            Contest::new(if yields { "one yield, unordered" } else { "ready, unordered" }, ITEMS)
                .side("pipeline", || {
                    run.block_on(unordered.drain(items())).expect("nothing fails").items_out()
                })
                .marked("futures-buffered", Mark::Ratio(marks[2]), || {
                    run.block_on(counted(BufferedStreamExt::buffered_unordered(calls(), WIDTH)))
                })
                .marked("futures", Mark::Ratio(marks[3]), || {
                    run.block_on(counted(StreamExt::buffer_unordered(calls(), WIDTH)))
                })
                .run(ROUNDS);
        }
    }
    YIELDS.store(false, Ordering::Relaxed);
    if wants("each and batch") {
        let flow = pipeline![scale => pair => each => fetch => batch(100) => total].concurrency(WIDTH);
        Contest::new("each and batch(100)", ITEMS)
            .side("pipeline", || run.block_on(flow.drain(items())).expect("nothing fails").items_out())
            .marked("futures", Mark::Ratio(2.0), || run.block_on(flow_by_futures()))
            .run(ROUNDS);
    }
    if wants("sync") {
        let mapped = |items: std::ops::Range<u64>| -> Vec<u64> {
            items.map(|x| x.wrapping_mul(31)).map(|x| x ^ 7).map(|x| x.rotate_left(3)).collect()
        };
        let chain = pipeline![|x: u64| x.wrapping_mul(31) => |x| x ^ 7 => |x| x.rotate_left(3)];
        Contest::new("sync stages only", ITEMS)
            .side("iterator", || mapped(black_box(items())))
            .marked("pipeline", Mark::Within(3.0), || {
                run.block_on(chain.collect(items())).expect("nothing fails")
            })
            .run(ROUNDS);
    }
    if wants("workers") {
        let threads =
            Builder::new_multi_thread().worker_threads(2).build().expect("two threads are to be had");
        let (one, two) = (pipeline![digest].workers(1), pipeline![digest].workers(2));
        Contest::new("workers: a stage that computes for 1.3 µs", ITEMS)
            .side("workers(2)", || threads.block_on(two.collect(items())).expect("nothing fails").len())
            .marked("workers(1)", Mark::Ratio(1.9), || {
                threads.block_on(one.collect(items())).expect("nothing fails").len()
            })
            .marked("two tasks by hand", Mark::Ratio(0.95), || threads.block_on(digests_by_two_tasks()))
            .run(ROUNDS / 2);
    }
}
