//! Stages of each kind, and each form of a pipeline, in edition 2021. Clippy's strictest lints find nothing in what is generated.
#![warn(clippy::nursery, clippy::pedantic)]

use std::num::ParseIntError;

use pipeline::{pipeline, stage, Provide};

#[derive(Provide)]
struct App(u64);

#[stage]
async fn gen(gen: u64) -> u64 {
    gen + 1
}

#[stage(retries = 2, timeout = "1s", concurrency = 4)]
async fn parse(text: &str, #[state] offset: &u64) -> Result<u64, ParseIntError> {
    text.parse().map(|number: u64| number + offset)
}

#[stage(blocking)]
fn pair<T: Clone + Send + Sync + 'static>(first: &T, second: T) -> Vec<T> {
    vec![first.clone(), second]
}

#[stage]
fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

#[tokio::test]
async fn chains_forks_and_closures() {
    let numbers = pipeline![
        words => each => parse.retries(1) => gen => gen.concurrency(3)
            => (gen, try |x| async move { if x > 100 { Err("too large") } else { Ok(x) } })
            => |(a, b)| a + b => batch(2) => |sums| sums.into_iter().sum::<u64>()
    ];
    let sums = numbers.with(App(10)).collect(["1 2".to_owned(), "3".to_owned()]).await;
    // 1 + 10 + 2 = 13, and 14 beside it; so 27, 29, 31.
    assert_eq!(sums.ok(), Some(vec![56, 31]));
}

#[tokio::test]
async fn graphs_and_routes() {
    let graph = pipeline!(|x: u64| {
        let a = gen(x);
        let b = gen(a);
        pair::<u64>(a, b)
    });
    let routed = pipeline![{ graph } => match {
        numbers if numbers.len() > 5 => numbers[0] => gen,
        numbers => numbers[1] => gen => gen,
    }];
    assert_eq!(routed.run(1).await.ok(), Some(5));
}
