//! What is done with an item where many go through: next to nothing, so that what is measured is what stands around it.
#![allow(dead_code, clippy::unused_async)] // Not every bench asks for all of it.

use std::error::Error;
use std::fmt;
use std::hint::black_box;

use pipeline::stage;
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

/// How many are on their way at once.
pub(crate) const WIDTH: usize = 64;

pub(crate) type Failure = Box<dyn Error + Send + Sync>;

#[derive(Debug)]
pub(crate) struct Overflow;

impl fmt::Display for Overflow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the number grew too large")
    }
}

impl Error for Overflow {}

#[stage]
pub(crate) async fn scale(x: u64) -> Result<u64, Overflow> {
    x.checked_mul(31).ok_or(Overflow)
}

/// [`scale`], giving way to other tasks once, as any real input or output does.
#[stage]
pub(crate) async fn fetch(x: u64) -> Result<u64, Overflow> {
    yield_now().await;
    x.checked_mul(31).ok_or(Overflow)
}

#[stage]
pub(crate) async fn shift(x: u64) -> Result<u64, Overflow> {
    x.checked_add(17).ok_or(Overflow)
}

#[stage]
pub(crate) async fn square(x: u64) -> Result<u64, Overflow> {
    x.checked_mul(x).ok_or(Overflow)
}

/// The three stages by hand.
pub(crate) async fn ready(x: u64) -> Result<u64, Overflow> {
    let x = scale(x).await?;
    let x = shift(x).await?;
    square(x).await
}

/// The same, with one wait.
pub(crate) async fn yielding(x: u64) -> Result<u64, Overflow> {
    let x = fetch(x).await?;
    let x = shift(x).await?;
    square(x).await
}

/// So many items, each hidden from the optimizer.
pub(crate) fn items(n: u32) -> impl Iterator<Item = u64> + Send {
    (0..u64::from(n)).map(black_box)
}

pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().expect("a runtime on this thread needs no resources")
}
