//! Three stages with three retries and a timeout each, beside the same policy out of other crates.
//!
//! No stage fails or waits here: what is measured is what a policy costs on a good day, which is nearly every day.
//! The plain calls without any policy are the line that the others are to be held against: what a policy costs is
//! the distance from there.

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::hint::black_box;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pipeline::{pipeline, stage};
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Sleep, sleep, timeout};
use tower::retry::Policy;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};

/// Items per iteration: enough for the cost of entering the runtime to vanish among them.
const ITEMS: u64 = 1000;
const RETRIES: u32 = 3;
const DELAY: Duration = Duration::from_millis(100);
const TIMEOUT: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct Overflow;

impl fmt::Display for Overflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the number grew too large")
    }
}

impl Error for Overflow {}

#[stage(retries = 3, timeout = "5s")]
async fn scale(x: u64) -> Result<u64, Overflow> {
    x.checked_mul(31).ok_or(Overflow)
}

#[stage(retries = 3, timeout = "5s")]
async fn shift(x: u64) -> Result<u64, Overflow> {
    x.checked_add(17).ok_or(Overflow)
}

#[stage(retries = 3, timeout = "5s")]
async fn square(x: u64) -> Result<u64, Overflow> {
    x.checked_mul(x).ok_or(Overflow)
}

async fn by_hand(x: u64) -> Result<u64, Overflow> {
    let x = scale(x).await?;
    let x = shift(x).await?;
    square(x).await
}

/// A retry policy for tower, as its documentation shows one, with the wait of ours: 100 ms that double each time.
///
/// tower's own `ExponentialBackoff` draws a jitter, which neither side is asked for here.
#[derive(Debug, Clone)]
struct Attempts {
    made: u32,
}

impl<T> Policy<u64, T, BoxError> for Attempts {
    type Future = Sleep;

    fn retry(&mut self, _: &mut u64, result: &mut Result<T, BoxError>) -> Option<Self::Future> {
        if result.is_ok() || self.made == RETRIES {
            return None;
        }
        self.made += 1;
        Some(sleep(DELAY * 2_u32.pow(self.made - 1)))
    }

    fn clone_request(&mut self, request: &u64) -> Option<u64> {
        Some(*request)
    }
}

fn with_tower<F, A>(function: F) -> impl Service<u64, Response = u64, Error = BoxError>
where
    F: Fn(u64) -> A + Clone,
    A: Future<Output = Result<u64, Overflow>>,
{
    ServiceBuilder::new().retry(Attempts { made: 0 }).timeout(TIMEOUT).service_fn(function)
}

#[derive(Debug)]
enum Failed {
    Stage(Overflow),
    TimedOut,
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stage(error) => error.fmt(f),
            Self::TimedOut => f.write_str("timed out"),
        }
    }
}

impl Error for Failed {}

async fn with_backon<F, A>(function: F, x: u64) -> Result<u64, Failed>
where
    F: Fn(u64) -> A,
    A: Future<Output = Result<u64, Overflow>>,
{
    let attempt = || async {
        match timeout(TIMEOUT, function(x)).await {
            Ok(result) => result.map_err(Failed::Stage),
            Err(_) => Err(Failed::TimedOut),
        }
    };
    let waits = ExponentialBuilder::new().with_min_delay(DELAY).with_max_times(RETRIES as usize);
    attempt.retry(waits).await
}

/// Measures an async expression over `$item`, awaited for each of the items in turn, with `?` on what it gives.
macro_rules! measure {
    ($group:ident, $runtime:ident, $name:literal, |$item:ident| $expression:expr) => {
        $group.bench_function($name, |bencher| {
            bencher.iter(|| {
                $runtime.block_on(async {
                    let mut total = 0_u64;
                    for item in 0..ITEMS {
                        let $item = black_box(item);
                        total = total.wrapping_add($expression);
                    }
                    Ok::<u64, BoxError>(total)
                })
            });
        });
    };
}

fn ready(c: &mut Criterion) {
    let runtime = runtime();
    let chain = pipeline![scale => shift => square];
    let mut group = c.benchmark_group("policies/ready");
    group.throughput(Throughput::Elements(ITEMS));
    measure!(group, runtime, "by hand, no policy", |x| by_hand(x).await?);
    measure!(group, runtime, "pipeline", |x| chain.run(x).await?);
    let (mut first, mut second, mut third) = (with_tower(scale), with_tower(shift), with_tower(square));
    measure!(group, runtime, "tower", |x| {
        let x = first.ready().await?.call(x).await?;
        let x = second.ready().await?.call(x).await?;
        third.ready().await?.call(x).await?
    });
    measure!(group, runtime, "backon and tokio", |x| {
        let x = with_backon(scale, x).await?;
        let x = with_backon(shift, x).await?;
        with_backon(square, x).await?
    });
    group.finish();
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime on this thread needs no resources")
}

criterion_group!(benches, ready);
criterion_main!(benches);
