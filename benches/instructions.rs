//! What `instructions.sh` runs under callgrind: so many items through one case, on one thread. Its budget is checked by way
//! of `instructions_budget.rs`.
//!
//! Stages do next to nothing, so what is counted is what stands around them. Nothing fails. It is an example and no bench
//! because it is built in the default release profile, and it needs no crates but pipeline and tokio, so that the same file
//! can be built against any checkout.
#![allow(clippy::unused_async)] // Stages that are ready at once.

use std::env;
use std::error::Error;
use std::fmt;
use std::hint::black_box;

use pipeline::{Observer, pipeline, stage};
use tokio::runtime::Builder;
use tokio::task::yield_now;

const CASES: [&str; 9] = [
    "one_item",
    "one_item_policy",
    "one_item_fork",
    "one_item_observed",
    "many_drain",
    "many_collect",
    "many_sync",
    "many_yield",
    "many_boundaries",
];

/// How many items are in flight at once.
const WIDTH: usize = 64;

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

#[derive(Debug)]
struct Overflow;

impl fmt::Display for Overflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the number grew too large")
    }
}

impl Error for Overflow {}

#[stage]
async fn scale(x: u64) -> Result<u64, Overflow> {
    x.checked_mul(31).ok_or(Overflow)
}

#[stage]
async fn shift(x: u64) -> Result<u64, Overflow> {
    x.checked_add(17).ok_or(Overflow)
}

#[stage]
async fn square(x: u64) -> Result<u64, Overflow> {
    x.checked_mul(x).ok_or(Overflow)
}

#[stage]
async fn add(x: u64, y: u64) -> Result<u64, Overflow> {
    x.checked_add(y).ok_or(Overflow)
}

/// [`scale`] with one yield.
#[stage]
async fn fetch(x: u64) -> Result<u64, Overflow> {
    yield_now().await;
    x.checked_mul(31).ok_or(Overflow)
}

/// Ten rows of an item.
#[stage]
async fn rows(x: u64) -> Result<[u64; 10], Overflow> {
    let last = x.checked_add(9).ok_or(Overflow)?;
    Ok(std::array::from_fn(|row| last - row as u64))
}

#[stage]
async fn sum(rows: Vec<u64>) -> Result<u64, Overflow> {
    rows.into_iter().try_fold(0_u64, u64::checked_add).ok_or(Overflow)
}

/// The three stages with a policy that has nothing to do.
mod policy {
    use super::{Overflow, stage};

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

/// An observer that does nothing.
struct Silent;

impl Observer for Silent {}

/// The items, each hidden from the optimizer.
fn items(count: u64) -> impl Iterator<Item = u64> + Send {
    (0..count).map(black_box)
}

/// `run` of one item after another.
macro_rules! one_by_one {
    ($pipeline:expr, $count:ident) => {{
        let pipeline = $pipeline;
        for item in items($count) {
            black_box(pipeline.run(item).await?);
        }
    }};
}

pub(crate) async fn run(case: &str, count: u64) -> Result<(), Failure> {
    match case {
        "one_item" => one_by_one!(pipeline![scale => shift => square], count),
        "one_item_policy" => {
            use policy::{scale, shift, square};
            one_by_one!(pipeline![scale => shift => square], count);
        }
        "one_item_fork" => one_by_one!(pipeline![(scale, shift) => add], count),
        "one_item_observed" => one_by_one!(pipeline![scale => shift => square].observe(Silent), count),
        "many_drain" => {
            let pipeline = pipeline![scale => shift => square].concurrency(WIDTH);
            black_box(pipeline.drain(items(count)).await?);
        }
        "many_collect" => {
            let pipeline = pipeline![scale => shift => square].concurrency(WIDTH);
            black_box(pipeline.collect(items(count)).await?);
        }
        "many_sync" => {
            let pipeline = pipeline![|x: u64| x.wrapping_mul(31) => |x| x ^ 7 => |x| x.rotate_left(3)];
            black_box(pipeline.collect(0..count).await?);
        }
        "many_yield" => {
            let pipeline = pipeline![fetch => shift => square].concurrency(WIDTH);
            black_box(pipeline.drain(items(count)).await?);
        }
        "many_boundaries" => {
            let pipeline = pipeline![rows => each => shift => batch(100) => sum].concurrency(WIDTH);
            black_box(pipeline.drain(items(count)).await?);
        }
        _ => return Err(format!("no case `{case}`; the cases are {}", CASES.join(", ")).into()),
    }
    Ok(())
}

/// Takes the name of a case and the number of items. Without, it lists the cases.
fn main() -> Result<(), Failure> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [case, count] = arguments.as_slice() else {
        println!("{}", CASES.join("\n"));
        return Ok(());
    };
    let runtime = Builder::new_current_thread().enable_time().build()?;
    runtime.block_on(run(case, count.parse()?))
}
