#![deny(warnings, missing_docs)]
//! Boundaries, under all lints.

use std::time::Duration;

use pipeline::traits::RunMany;
use pipeline::{WithBoundary, Pipeline, pipeline, stage};

#[stage(split_on_failure)]
fn store(rows: &[u32]) -> Result<usize, std::io::Error> {
    Ok(rows.len())
}

/// A function may return a pipeline with boundaries.
pub fn line(size: usize) -> impl Sized {
    const LINGER: Duration = Duration::from_millis(5);
    pipeline![Vec<u32>: each => |x| Some(x) => each => batch(size, LINGER) => store]
}

fn run<F, B>(pipeline: &Pipeline<u32, F, (), WithBoundary<B>>)
where
    F: RunMany<u32, (), WithBoundary<B>>,
{
    let _ = pipeline.collect([1, 2]);
    drop(pipeline.drain(vec![1, 2]));
}

fn main() {
    let _ = line(3);
    run(&pipeline![u32: batch(2)]);
    run(&pipeline![|x: u32| vec![x] => each]);
    let offset = 3;
    let borrowed = pipeline![|x: u32| x + offset => |x| [x] => each];
    drop(borrowed.collect([1, 2]));
}
