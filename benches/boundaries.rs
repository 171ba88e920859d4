//! Where the number of items changes: `each` and `batch`, beside the same by hand; and what the way over one costs.
//!
//! All sides take the same items through the same functions, stop at the first error (there is none), and give a vector
//! of the outputs in order. All run on one thread.

mod work;

use benches::{Contest, Mark};
use futures::stream::{self, StreamExt, TryStreamExt};
use pipeline::{pipeline, stage};
use work::{Failure, Overflow, WIDTH, fetch, items, runtime, scale, shift, square};

const ITEMS: u32 = 20_000;
const ROWS: u32 = 10 * ITEMS;
const BATCH: usize = 100;
const ROUNDS: usize = 11;

#[stage]
async fn rows(x: u64) -> Result<[u64; 10], Overflow> {
    let last = x.checked_add(9).ok_or(Overflow)?;
    Ok(std::array::from_fn(|row| last - row as u64))
}

#[stage]
async fn sum(rows: Vec<u64>) -> Result<u64, Overflow> {
    rows.into_iter().try_fold(0_u64, u64::checked_add).ok_or(Overflow)
}

#[stage]
async fn one(x: u64) -> Result<[u64; 1], Overflow> {
    Ok([shift(x).await?])
}

#[stage]
async fn some(x: u64) -> Result<Option<u64>, Overflow> {
    Ok(Some(shift(x).await?))
}

async fn by_futures() -> Result<Vec<u64>, Failure> {
    let rows = |x| async move {
        let x = scale(x).await?;
        rows(x).await
    };
    let sums = stream::iter(items(ITEMS))
        .map(rows)
        .buffered(WIDTH)
        .map_ok(|rows| stream::iter(rows.into_iter().map(Ok)))
        .try_flatten()
        .map_ok(shift)
        .try_buffered(WIDTH)
        .try_chunks(BATCH)
        .map_err(|error| error.1)
        .map_ok(sum)
        .try_buffered(WIDTH)
        .try_collect()
        .await?;
    Ok(sums)
}

fn main() {
    let runtime = runtime();
    let run = &runtime;

    let pipeline = pipeline![scale => rows => each => shift => batch(BATCH) => sum];
    Contest::new("boundaries/each and batch", ROWS)
        .side("pipeline", || run.block_on(pipeline.collect(items(ITEMS))).expect("nothing fails"))
        .marked("futures", Mark::Ratio(2.0), || run.block_on(by_futures()).expect("nothing fails"))
        .run(ROUNDS);

    let without = pipeline![scale => shift => square];
    let one_by_one = pipeline![scale => one => each => square];
    let some_by_some = pipeline![scale => some => each => square];
    let extra = Mark::Extra(50.0);
    Contest::new("boundaries/a hop, collect", ROWS)
        .side("without", || run.block_on(without.collect(items(ROWS))).expect("nothing fails"))
        .marked("each of an array of one", extra, || {
            run.block_on(one_by_one.collect(items(ROWS))).expect("nothing fails")
        })
        .marked("each of an option", extra, || {
            run.block_on(some_by_some.collect(items(ROWS))).expect("nothing fails")
        })
        .run(ROUNDS);
    Contest::new("boundaries/a hop, drain", ROWS)
        .side("without", || run.block_on(without.drain(items(ROWS))).expect("nothing fails").items_out())
        .marked("each of an array of one", extra, || {
            run.block_on(one_by_one.drain(items(ROWS))).expect("nothing fails").items_out()
        })
        .marked("each of an option", extra, || {
            run.block_on(some_by_some.drain(items(ROWS))).expect("nothing fails").items_out()
        })
        .run(ROUNDS);

    let without = pipeline![fetch => shift => square];
    let one_by_one = pipeline![fetch => one => each => square];
    Contest::new("boundaries/a hop, collect, yielding", ROWS)
        .side("without", || run.block_on(without.collect(items(ROWS))).expect("nothing fails"))
        .marked("each of an array of one", extra, || {
            run.block_on(one_by_one.collect(items(ROWS))).expect("nothing fails")
        })
        .run(ROUNDS);
}
