//! Deep nesting: values in values, forks in forks.

use pipeline::{BoxError, pipeline, stage};

#[stage]
async fn grow(x: u64) -> u64 {
    tokio::task::yield_now().await;
    x + 1
}

#[stage]
async fn sum((left, right): (u64, u64)) -> u64 {
    left + right
}

#[stage]
async fn zero() -> u64 {
    0
}

#[stage]
async fn fail(_x: u64) -> Result<u64, BoxError> {
    Err("never".into())
}

/// Nests a pipeline in another one, once for each `+`.
macro_rules! nest {
    ($pipeline:ident $($level:tt)*) => {
        $(
            let $pipeline = pipeline![grow => { $pipeline } => grow];
            let _: &str = stringify!($level);
        )*
    };
}

/// Runs one item, also on another task, and several in each way.
macro_rules! check {
    ($pipeline:expr, $expected:expr) => {
        let expected: u64 = $expected;
        assert_eq!($pipeline.run(0).await.ok(), Some(expected));
        let pipeline = $pipeline.clone();
        let run = tokio::spawn(async move { pipeline.run(0).await.ok() });
        assert_eq!(run.await.ok(), Some(Some(expected)));
        assert_eq!($pipeline.collect([0, 0]).await.ok(), Some(vec![expected; 2]));
        let pipeline = $pipeline.concurrency(2).workers(2);
        assert_eq!(pipeline.collect([0, 0]).await.ok(), Some(vec![expected; 2]));
        assert_eq!(pipeline.stream([0, 0]).report().await.items_out(), 2);
    };
}

#[tokio::test]
async fn twenty_four_values_in_each_other() {
    let nested = pipeline![grow];
    nest!(nested + + + + + + + + + + + + + + + + + + + + + + + +);
    check!(nested, 49);
}

#[tokio::test]
async fn more_with_boxed_at_each_eighth_level() {
    let nested = pipeline![grow];
    nest!(nested + + + + + + + +);
    let nested = nested.boxed();
    nest!(nested + + + + + + + +);
    let nested = nested.boxed();
    nest!(nested + + + + + + + +);
    let nested = nested.boxed();
    nest!(nested + + + + + + + +);
    let nested = nested.boxed();
    nest!(nested + + + + + + + +);
    let nested = nested.boxed();
    nest!(nested + + + + + + + +);
    let nested = nested.boxed();
    nest!(nested + + + + + + + +);
    let nested = nested.boxed();
    nest!(nested + + + + + + + +);
    check!(nested, 129);
}

#[tokio::test]
async fn twelve_forks_side_by_side_in_each_other() {
    let nested = pipeline![((((((((((((grow, grow) => sum, grow) => sum, grow) => sum, grow) => sum, grow) => sum, grow) => sum, grow) => sum, grow) => sum, grow) => sum, grow) => sum, grow) => sum, grow) => sum];
    check!(nested, 13);
}

#[tokio::test]
async fn twelve_alternatives_in_each_other() {
    let nested = pipeline![((((((((((((fail => grow | fail) => grow | fail) => grow | fail) => grow | fail) => grow | fail) => grow | fail) => grow | fail) => grow | fail) => grow | fail) => grow | fail) => grow | fail) => grow | grow)];
    check!(nested, 1);
}

#[tokio::test]
async fn twelve_matches_in_each_other() {
    let nested = pipeline![match { 1000 => () => zero, x => x => match { 1000 => () => zero, x => x => match { 1000 => () => zero, x => x => match { 1000 => () => zero, x => x => match { 1000 => () => zero, x => x => match { 1000 => () => zero, x => x => match { 1000 => () => zero, x => x => match { 1000 => () => zero, x => x => match { 1000 => () => zero, x => x => match { 1000 => () => zero, x => x => match { 1000 => () => zero, x => x => match { 1000 => () => zero, x => x => grow => grow } => grow } => grow } => grow } => grow } => grow } => grow } => grow } => grow } => grow } => grow } => grow }];
    check!(nested, 13);
}
