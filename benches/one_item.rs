//! One item through three stages, beside the same three functions called by hand.
//!
//! Each stage does next to nothing, so what is measured is what stands around it. Both sides take the same items
//! through the same functions, hide each item from the optimizer once, and use what comes out.

use std::error::Error;
use std::fmt;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pipeline::{pipeline, stage};
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

/// Items per iteration: enough for the cost of entering the runtime to vanish among them.
const ITEMS: u64 = 1000;

#[derive(Debug)]
struct Overflow;

impl fmt::Display for Overflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the number grew too large")
    }
}

impl Error for Overflow {}

/// Stages that can fail, and do not.
mod fallible {
    use super::{Overflow, stage};

    #[stage]
    pub(super) async fn scale(x: u64) -> Result<u64, Overflow> {
        x.checked_mul(31).ok_or(Overflow)
    }

    #[stage]
    pub(super) async fn shift(x: u64) -> Result<u64, Overflow> {
        x.checked_add(17).ok_or(Overflow)
    }

    #[stage]
    pub(super) async fn square(x: u64) -> Result<u64, Overflow> {
        x.checked_mul(x).ok_or(Overflow)
    }
}

/// Stages that cannot fail.
mod infallible {
    use super::stage;

    #[stage]
    pub(super) async fn scale(x: u64) -> u64 {
        x.wrapping_mul(31)
    }

    #[stage]
    pub(super) async fn shift(x: u64) -> u64 {
        x.wrapping_add(17)
    }

    #[stage]
    pub(super) async fn square(x: u64) -> u64 {
        x.wrapping_mul(x)
    }
}

/// Stages that give way to other tasks once, as any real input or output does.
mod yielding {
    use super::{Overflow, stage, yield_now};

    #[stage]
    pub(super) async fn scale(x: u64) -> Result<u64, Overflow> {
        yield_now().await;
        x.checked_mul(31).ok_or(Overflow)
    }

    #[stage]
    pub(super) async fn shift(x: u64) -> Result<u64, Overflow> {
        yield_now().await;
        x.checked_add(17).ok_or(Overflow)
    }

    #[stage]
    pub(super) async fn square(x: u64) -> Result<u64, Overflow> {
        yield_now().await;
        x.checked_mul(x).ok_or(Overflow)
    }
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
                    Ok::<u64, Box<dyn Error>>(total)
                })
            });
        });
    };
}

fn fallible(c: &mut Criterion) {
    use fallible::{scale, shift, square};

    async fn by_hand(x: u64) -> Result<u64, Overflow> {
        let x = scale(x).await?;
        let x = shift(x).await?;
        square(x).await
    }

    let runtime = runtime();
    let chain = pipeline![scale => shift => square];
    let mut group = c.benchmark_group("one_item/fallible");
    group.throughput(Throughput::Elements(ITEMS));
    measure!(group, runtime, "by hand", |x| by_hand(x).await?);
    measure!(group, runtime, "pipeline", |x| chain.run(x).await?);
    group.finish();
}

fn infallible(c: &mut Criterion) {
    use infallible::{scale, shift, square};

    async fn by_hand(x: u64) -> u64 {
        let x = scale(x).await;
        let x = shift(x).await;
        square(x).await
    }

    let runtime = runtime();
    let chain = pipeline![scale => shift => square];
    let mut group = c.benchmark_group("one_item/infallible");
    group.throughput(Throughput::Elements(ITEMS));
    measure!(group, runtime, "by hand", |x| by_hand(x).await);
    measure!(group, runtime, "pipeline", |x| chain.run(x).await?);
    group.finish();
}

fn yielding(c: &mut Criterion) {
    use yielding::{scale, shift, square};

    async fn by_hand(x: u64) -> Result<u64, Overflow> {
        let x = scale(x).await?;
        let x = shift(x).await?;
        square(x).await
    }

    let runtime = runtime();
    let chain = pipeline![scale => shift => square];
    let mut group = c.benchmark_group("one_item/yielding");
    group.throughput(Throughput::Elements(ITEMS));
    measure!(group, runtime, "by hand", |x| by_hand(x).await?);
    measure!(group, runtime, "pipeline", |x| chain.run(x).await?);
    group.finish();
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime on this thread needs no resources")
}

criterion_group!(benches, fallible, infallible, yielding);
criterion_main!(benches);
