//! An item that takes no detour allocates nothing on its way: not for the chain, and not for the policies either.
//!
//! Counted, not timed, so a busy machine changes nothing.

use std::error::Error;
use std::fmt;
use std::future::Future;

use allocation_counter::measure;
use pipeline::{Aborted, StageError, pipeline};
use tokio::runtime::Builder;

#[derive(Debug)]
struct Overflow;

impl fmt::Display for Overflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the number grew too large")
    }
}

impl Error for Overflow {}

/// Stages without a policy.
mod bare {
    use super::Overflow;
    use pipeline::stage;

    #[stage]
    pub(super) async fn scale(x: u64) -> Result<u64, Overflow> {
        x.checked_mul(31).ok_or(Overflow)
    }

    #[stage]
    pub(super) async fn shift(x: u64) -> u64 {
        x.wrapping_add(17)
    }

    #[stage]
    pub(super) fn square(x: u64) -> Result<u64, Overflow> {
        x.checked_mul(x).ok_or(Overflow)
    }
}

/// Stages with the policy that the benches measure.
mod policed {
    use super::Overflow;
    use pipeline::stage;

    #[stage(retries = 3, timeout = "5s")]
    pub(super) async fn scale(x: u64) -> Result<u64, Overflow> {
        x.checked_mul(31).ok_or(Overflow)
    }

    #[stage(retries = 3, timeout = "5s")]
    pub(super) async fn shift(x: u64) -> Result<u64, Overflow> {
        x.checked_add(17).ok_or(Overflow)
    }

    #[stage(retries = 3, timeout = "5s")]
    pub(super) async fn square(x: u64) -> Result<u64, Overflow> {
        x.checked_mul(x).ok_or(Overflow)
    }
}

/// Stages that share their turns, with turns enough for all.
mod limited {
    use super::Overflow;
    use pipeline::stage;

    #[stage(concurrency = 4)]
    pub(super) async fn scale(x: u64) -> Result<u64, Overflow> {
        x.checked_mul(31).ok_or(Overflow)
    }

    #[stage(concurrency = 4, retries = 3, timeout = "5s")]
    pub(super) async fn shift(x: u64) -> Result<u64, Overflow> {
        x.checked_add(17).ok_or(Overflow)
    }
}

/// Stages that wait a little, with timers that never go off.
mod waiting {
    use super::Overflow;
    use pipeline::stage;
    use tokio::task::yield_now;

    #[stage]
    pub(super) async fn scale(x: u64) -> Result<u64, Overflow> {
        yield_now().await;
        x.checked_mul(31).ok_or(Overflow)
    }

    #[stage(retries = 3, timeout = "5s")]
    pub(super) async fn shift(x: u64) -> Result<u64, Overflow> {
        yield_now().await;
        x.checked_add(17).ok_or(Overflow)
    }
}

/// How many allocations `items` items add to those of one.
fn allocations<A>(call: impl Fn(u64) -> A, items: u64) -> u64
where
    A: Future<Output = Result<u64, StageError>>,
{
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime needs no resources");
    let allocated = |items| {
        let counted = measure(|| {
            runtime.block_on(async {
                for item in 0..items {
                    call(item).await.expect("small numbers do not overflow");
                }
            });
        });
        counted.count_total
    };
    // The runtime and the first calls set up what they keep; that is not the items' doing.
    allocated(items);
    allocated(items) - allocated(1)
}

#[test]
fn an_item_through_bare_stages_allocates_nothing() {
    use bare::{scale, shift, square};
    let chain = pipeline![scale => shift => square];
    assert_eq!(allocations(|x| chain.run(x), 1000), 0);
}

#[test]
fn an_item_through_stages_with_retries_and_timeouts_allocates_nothing() {
    use policed::{scale, shift, square};
    let chain = pipeline![scale => shift => square];
    assert_eq!(allocations(|x| chain.run(x), 1000), 0);
}

#[test]
fn an_item_that_finds_a_permit_allocates_nothing() {
    use limited::{scale, shift};
    let chain = pipeline![scale => shift];
    assert_eq!(allocations(|x| chain.run(x), 1000), 0);
}

#[test]
fn an_item_that_waits_under_a_timeout_allocates_nothing() {
    use waiting::{scale, shift};
    let chain = pipeline![scale => shift];
    assert_eq!(allocations(|x| chain.run(x), 1000), 0);
}

/// Enough items for what a run sets up to vanish among them, and the outputs' vector as it grows.
const MANY: u32 = 100_000;

/// How many allocations an item costs in a run that takes so many through.
fn allocations_each<A, T>(run: impl Fn(u64) -> A) -> f64
where
    A: Future<Output = Result<T, Aborted>>,
{
    let runtime = Builder::new_current_thread().enable_time().build().expect("a runtime needs no resources");
    let counted = measure(|| {
        runtime.block_on(run(MANY.into())).expect("small numbers do not overflow");
    });
    let allocated = u32::try_from(counted.count_total).expect("it is a few an item at most");
    f64::from(allocated) / f64::from(MANY)
}

#[test]
fn of_many_items_under_policies_each_allocates_nothing() {
    use policed::{scale, shift, square};
    let chain = pipeline![scale => shift => square];
    let drained = allocations_each(|n| chain.drain(0..n));
    assert!(drained < 0.01, "{drained} an item in `drain`");
    let collected = allocations_each(|n| chain.collect(0..n));
    assert!(collected < 0.01, "{collected} an item in `collect`");
}

#[test]
fn of_many_items_that_wait_under_policies_each_allocates_nothing() {
    use policed::{shift, square};
    use waiting::shift as wait;
    let chain = pipeline![wait => shift => square];
    let drained = allocations_each(|n| chain.drain(0..n));
    assert!(drained < 0.01, "{drained} an item in `drain`");
    let collected = allocations_each(|n| chain.collect(0..n));
    assert!(collected < 0.01, "{collected} an item in `collect`");
}
