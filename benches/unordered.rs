//! Items through three stages, 64 at once, outputs as they come, beside those who can do that.
//!
//! All sides take the same items through the same functions, stop at the first error (there is none), and count what
//! comes out. All run on one thread. The three stages are one step to each of the others, which is how they are fastest.

mod work;

use std::cell::Cell;
use std::future::Future;
use std::hint::black_box;
use std::num::NonZero;

use benches::{Contest, Mark};
use futures::stream::{self, Stream, StreamExt};
use futures_buffered::BufferedStreamExt;
use futures_concurrency::concurrent_stream::ConcurrentStream;
use futures_concurrency::stream::StreamExt as _;
use par_stream::ParStreamExt;
use pipeline::{Accepts, Pipeline, pipeline};
use pumps::Concurrency;
use work::{Failure, Overflow, WIDTH, items, ready, runtime, yielding};

const ITEMS: u32 = 200_000;
const ROUNDS: usize = 9;

async fn by_pipeline<F>(pipeline: &Pipeline<u64, F>) -> Result<usize, Failure>
where
    F: pipeline::Stage<u64, ()> + Accepts<u64, Out = u64>,
{
    Ok(pipeline.drain(items(ITEMS)).await?.items_out())
}

async fn by_futures<A>(call: fn(u64) -> A) -> Result<usize, Failure>
where
    A: Future<Output = Result<u64, Overflow>>,
{
    count(stream::iter(items(ITEMS)).map(call).buffer_unordered(WIDTH)).await
}

async fn by_futures_buffered<A>(call: fn(u64) -> A) -> Result<usize, Failure>
where
    A: Future<Output = Result<u64, Overflow>>,
{
    count(stream::iter(items(ITEMS)).map(call).buffered_unordered(WIDTH)).await
}

async fn by_pumps<A>(call: fn(u64) -> A) -> Result<usize, Failure>
where
    A: Future<Output = Result<u64, Overflow>> + Send + 'static,
{
    let (mut outputs, pump) =
        pumps::Pipeline::from_iter(items(ITEMS)).map(call, Concurrency::concurrent_unordered(WIDTH)).build();
    let mut count = 0;
    while let Some(output) = outputs.recv().await {
        black_box(output?);
        count += 1;
    }
    pump.await?;
    Ok(count)
}

async fn by_par_stream<A>(call: fn(u64) -> A) -> Result<usize, Failure>
where
    A: Future<Output = Result<u64, Overflow>> + Send + 'static,
{
    count(stream::iter(items(ITEMS)).par_then_unordered(WIDTH, call)).await
}

async fn by_futures_concurrency<A>(call: fn(u64) -> A) -> Result<usize, Failure>
where
    A: Future<Output = Result<u64, Overflow>>,
{
    let count = Cell::new(0);
    stream::iter(items(ITEMS))
        .co()
        .limit(NonZero::new(WIDTH))
        .map(call)
        .try_for_each(|output| {
            let count = &count;
            async move {
                black_box(output?);
                count.set(count.get() + 1);
                Ok::<_, Overflow>(())
            }
        })
        .await?;
    Ok(count.get())
}

async fn count(outputs: impl Stream<Item = Result<u64, Overflow>>) -> Result<usize, Failure> {
    let mut outputs = std::pin::pin!(outputs);
    let mut count = 0;
    while let Some(output) = outputs.next().await {
        black_box(output?);
        count += 1;
    }
    Ok(count)
}

fn contest<F, A>(name: &'static str, pipeline: &Pipeline<u64, F>, call: fn(u64) -> A)
where
    F: pipeline::Stage<u64, ()> + Accepts<u64, Out = u64>,
    A: Future<Output = Result<u64, Overflow>> + Send + 'static,
{
    let ahead = Mark::Ratio(1.0);
    let runtime = runtime();
    let run = &runtime;
    Contest::new(name, ITEMS)
        .side("pipeline, drain", || run.block_on(by_pipeline(pipeline)).expect("nothing fails"))
        .marked("futures-buffered, unordered", ahead, || {
            run.block_on(by_futures_buffered(call)).expect("nothing fails")
        })
        .marked("futures, buffer_unordered", ahead, || run.block_on(by_futures(call)).expect("nothing fails"))
        .marked("pumps", ahead, || run.block_on(by_pumps(call)).expect("nothing fails"))
        .marked("par-stream", ahead, || run.block_on(by_par_stream(call)).expect("nothing fails"))
        .marked("futures-concurrency", ahead, || {
            run.block_on(by_futures_concurrency(call)).expect("nothing fails")
        })
        .run(ROUNDS);
}

fn main() {
    use work::{fetch, scale, shift, square};

    contest("unordered/ready", &pipeline![scale => shift => square].unordered(), ready);
    contest("unordered/yielding", &pipeline![fetch => shift => square].unordered(), yielding);
}
