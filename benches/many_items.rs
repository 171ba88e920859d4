//! A million items through three stages, 64 at once, all outputs in order, beside the same by hand.
//!
//! All sides take the same items through the same functions, stop at the first error (there is none), and give a vector
//! of the outputs in the order of the items. All run on one thread.

mod work;

use std::future::Future;
use std::sync::Arc;

use benches::{Contest, Mark};
use futures::stream::{self, StreamExt, TryStreamExt};
use futures_buffered::BufferedStreamExt;
use pipeline::{Accepts, Pipeline, Stage, pipeline};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use work::{Failure, Overflow, WIDTH, items, ready, runtime, yielding};

const ITEMS: u32 = 1_000_000;
const ROUNDS: usize = 7;

async fn by_pipeline<F>(pipeline: &Pipeline<u64, F>) -> Result<Vec<u64>, Failure>
where
    F: Stage<u64, ()> + Accepts<u64, Out = u64>,
{
    Ok(pipeline.collect(items(ITEMS)).await?)
}

async fn by_futures_buffered<A>(call: fn(u64) -> A) -> Result<Vec<u64>, Failure>
where
    A: Future<Output = Result<u64, Overflow>>,
{
    Ok(stream::iter(items(ITEMS)).map(call).buffered_ordered(WIDTH).try_collect().await?)
}

async fn by_futures<A>(call: fn(u64) -> A) -> Result<Vec<u64>, Failure>
where
    A: Future<Output = Result<u64, Overflow>>,
{
    Ok(stream::iter(items(ITEMS)).map(call).buffered(WIDTH).try_collect().await?)
}

/// As the documentation of `Semaphore` limits what goes on at once. What is done is taken out on the way, or it would
/// pile up.
async fn by_join_set<A>(call: fn(u64) -> A) -> Result<Vec<u64>, Failure>
where
    A: Future<Output = Result<u64, Overflow>> + Send + 'static,
{
    let semaphore = Arc::new(Semaphore::new(WIDTH));
    let mut tasks = JoinSet::new();
    let mut outputs = Vec::new();
    let mut put = |(index, output): (usize, u64)| {
        if outputs.len() <= index {
            outputs.resize(index + 1, 0);
        }
        outputs[index] = output;
    };
    for (index, item) in items(ITEMS).enumerate() {
        let permit = Arc::clone(&semaphore).acquire_owned().await?;
        let call = call(item);
        tasks.spawn(async move {
            let output = call.await;
            drop(permit);
            output.map(|output| (index, output))
        });
        while let Some(done) = tasks.try_join_next() {
            put(done??);
        }
    }
    while let Some(done) = tasks.join_next().await {
        put(done??);
    }
    Ok(outputs)
}

/// A plain loop: nothing is on its way beside an item.
async fn one_after_another<A>(call: fn(u64) -> A) -> Result<Vec<u64>, Failure>
where
    A: Future<Output = Result<u64, Overflow>>,
{
    let mut outputs = Vec::new();
    for item in items(ITEMS) {
        outputs.push(call(item).await?);
    }
    Ok(outputs)
}

/// The marks are those against futures-buffered, futures and `JoinSet`.
fn contest<F, A>(name: &'static str, pipeline: &Pipeline<u64, F>, call: fn(u64) -> A, marks: [f64; 3])
where
    F: Stage<u64, ()> + Accepts<u64, Out = u64>,
    A: Future<Output = Result<u64, Overflow>> + Send + 'static,
{
    let [buffered, futures, join_set] = marks.map(Mark::Ratio);
    let runtime = runtime();
    let run = &runtime;
    Contest::new(name, ITEMS)
        .side("pipeline", || run.block_on(by_pipeline(pipeline)).expect("nothing fails"))
        .marked("futures-buffered, ordered", buffered, || {
            run.block_on(by_futures_buffered(call)).expect("nothing fails")
        })
        .marked("futures, buffered", futures, || run.block_on(by_futures(call)).expect("nothing fails"))
        .marked("JoinSet and Semaphore", join_set, || run.block_on(by_join_set(call)).expect("nothing fails"))
        .side("one after another", || run.block_on(one_after_another(call)).expect("nothing fails"))
        .run(ROUNDS);
}

fn main() {
    use work::{fetch, scale, shift, square};

    contest("many_items/ready", &pipeline![scale => shift => square], ready, [4.0, 7.0, 30.0]);
    contest("many_items/yielding", &pipeline![fetch => shift => square], yielding, [1.25, 2.0, 4.0]);
}
