//! An item that takes no detour allocates nothing on its way: not for the chain, not for the policies, and not where the
//! pipeline forks.
//!
//! Counted, not timed, so a busy machine changes nothing.

use std::error::Error;
use std::fmt;
use std::future::Future;

use allocation_counter::measure;
use pipeline::{Aborted, Accepts, Pipeline, Stage, StageError, pipeline};
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

/// Stages for branches, and what goes between them.
macro_rules! stages_of_forks {
    ($(#[$doc:meta])* $name:ident: $($wait:tt)*) => {
        $(#[$doc])*
        mod $name {
            use super::{Job, Overflow, Score, User};
            use pipeline::stage;

            #[stage]
            pub(super) async fn scale(x: u64) -> Result<u64, Overflow> {
                $($wait)*
                x.checked_mul(31).ok_or(Overflow)
            }

            #[stage(retries = 3, timeout = "5s")]
            pub(super) async fn shift(x: &u64) -> Result<u64, Overflow> {
                $($wait)*
                x.checked_add(17).ok_or(Overflow)
            }

            #[stage]
            pub(super) async fn square(x: u64) -> Result<u64, Overflow> {
                $($wait)*
                x.checked_mul(x).ok_or(Overflow)
            }

            #[stage]
            pub(super) async fn sort(x: u64) -> Job {
                $($wait)*
                if x % 2 == 0 { Job::Even(x) } else { Job::Odd(x) }
            }

            #[stage]
            pub(super) async fn fetch_user(id: u64) -> Result<User, Overflow> {
                $($wait)*
                id.checked_mul(31).map(User).ok_or(Overflow)
            }

            #[stage]
            pub(super) async fn rank(user: &User, orders: &u64) -> Result<Score, Overflow> {
                $($wait)*
                user.0.checked_add(*orders).map(Score).ok_or(Overflow)
            }

            #[stage]
            pub(super) async fn greet(user: &User) -> Result<u64, Overflow> {
                $($wait)*
                user.0.checked_add(1).ok_or(Overflow)
            }

            #[stage]
            pub(super) async fn render(greeting: u64, score: Score) -> Result<u64, Overflow> {
                $($wait)*
                greeting.checked_add(score.0).ok_or(Overflow)
            }
        }
    };
}

stages_of_forks! {
    /// Ready at once.
    ready:
}

stages_of_forks! {
    /// They wait a little.
    yielding: tokio::task::yield_now().await;
}

enum Job {
    Even(u64),
    Odd(u64),
}

struct User(u64);

struct Score(u64);

/// How many allocations `items` items add to those of one.
fn allocations<A, T>(call: impl Fn(u64) -> A, items: u64) -> u64
where
    A: Future<Output = Result<T, StageError>>,
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

/// A fork of ready stages, and the same of stages that wait, take items through: one at a time, then many.
macro_rules! forks_that_allocate_nothing {
    ($($(#[$doc:meta])* $name:ident { $($stage:ident),* } $pipeline:expr;)*) => {$(
        $(#[$doc])*
        #[test]
        fn $name() {
            fn assert_allocates_nothing<F>(what: &str, fork: &Pipeline<u64, F>)
            where
                F: Stage<u64, ()> + Accepts<u64>,
            {
                assert_eq!(allocations(|x| fork.run(x), 1000), 0, "{what}");
                let each = allocations_each(|n| fork.drain(0..n));
                assert!(each < 0.01, "{each} an item in `drain`, {what}");
            }
            {
                use ready::{$($stage),*};
                assert_allocates_nothing("ready", &$pipeline);
            }
            {
                use yielding::{$($stage),*};
                assert_allocates_nothing("with waits", &$pipeline);
            }
        }
    )*};
}

forks_that_allocate_nothing! {
    an_item_through_branches_side_by_side_allocates_nothing {scale, shift, square}
        pipeline![(scale, shift, square)];
    an_item_whose_first_alternative_succeeds_allocates_nothing {scale, shift, square}
        pipeline![(shift => square | scale)];
    an_item_through_an_arm_of_a_route_allocates_nothing {scale, shift, sort, square}
        pipeline![sort => match { Job::Even(x) if x % 4 == 0 => x => shift, Job::Even(x) => x => scale => shift, Job::Odd(x) => x => square }];
    an_item_through_a_graph_allocates_nothing {fetch_user, rank, render, scale}
        pipeline!(|id: u64| {
            let user = fetch_user(id);
            let orders = scale(id);
            let score = rank(user, orders);
            render(orders, score)
        });
    /// The greeting waits for the user alone, the score for the orders too.
    an_item_through_a_graph_that_is_no_rows_and_columns_allocates_nothing {fetch_user, greet, rank, render, scale}
        pipeline!(|id: u64| {
            let user = fetch_user(id);
            let orders = scale(id);
            let greeting = greet(user);
            let score = rank(user, orders);
            render(greeting, score)
        });
    an_item_through_forks_in_forks_allocates_nothing {fetch_user, greet, scale, shift, sort, square}
        pipeline![((scale | square), sort => match { Job::Even(x) => x => shift, Job::Odd(x) => x => square }, (|id: u64| {
            let user = fetch_user(id);
            greet(user)
        }))];
}
