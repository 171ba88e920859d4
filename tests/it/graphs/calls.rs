//! Stages called in a graph: their policies, overrides, state, context and limits, and panics between them.

use std::sync::Arc;

use pipeline::{Context, ErrorKind, Provide, pipeline, stage};

use crate::support::scripted_stages::{Action, Script, a, b, c, pair};
use crate::support::{Act, Gauge, Refused, Service, ms};

fn text() -> String {
    ">".to_owned()
}

#[stage]
fn add(x: u32, y: u32) -> u32 {
    x + y
}

#[stage]
fn join(text: &str, number: u32) -> String {
    format!("{text} {number}")
}

#[stage(retries = 1, delay = "10ms", backoff = "fixed")]
async fn fetch(x: u32, #[state] service: &Service) -> Result<u32, Refused> {
    service.call().await.map(|()| x)
}

#[tokio::test(start_paused = true)]
async fn stages_in_a_graph_keep_their_policies_and_accept_overrides() {
    let start = tokio::time::Instant::now();
    let pipeline = pipeline!(|x: u32| {
        let one = fetch(x);
        let other = fetch.retries(2).delay("1ms").name("again")(one);
        add(one, other)
    });
    let script = [Act::Fail(1), Act::Answer, Act::Fail(2), Act::Fail(3)];
    assert_eq!(pipeline.clone().with(Service::new(script)).run(4).await.unwrap(), 8);
    assert_eq!(start.elapsed(), ms(12));
    let script = [Act::Answer, Act::Fail(1), Act::Fail(2), Act::Fail(3)];
    let error = pipeline.with(Service::new(script)).run(4).await.unwrap_err();
    assert_eq!((error.stage(), error.attempts()), ("again", 3));
}

#[derive(Provide)]
struct Shared {
    service: Arc<u32>,
    gauge: Arc<Gauge>,
}

#[stage]
async fn from_state(x: &u32, #[state] more: &Arc<u32>, #[context] cx: &Context) -> String {
    tokio::task::yield_now().await;
    format!("{} {} {}", x + **more, cx.stage(), cx.index())
}

#[stage]
async fn remember(x: u32, #[context] cx: &Context) {
    cx.extensions().insert(x * 100);
}

#[stage]
async fn recall(_done: (), #[context] cx: &Context) -> u32 {
    cx.extensions().get::<u32>().unwrap_or_default()
}

#[tokio::test]
async fn stages_in_a_graph_get_state_and_context() {
    let pipeline = pipeline!(|x: u32| {
        let done = remember(x);
        let text = from_state(x);
        let number = recall(done);
        join(text, number)
    });
    let pipeline = pipeline.with(Shared { service: Arc::new(5), gauge: Arc::default() });
    assert_eq!(pipeline.collect([1, 2]).await.unwrap(), ["6 from_state 0 100", "7 from_state 1 200"]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_an_expression_fails_the_item_with_the_name_of_the_graph() {
    let script = || Script::new().with("a", 50, Action::Succeed).with("b", 10, Action::Succeed);
    let pipeline = pipeline!(|(x, n): (String, usize)| {
        let one = a(x);
        let other = b(x);
        let part = c(other[*n..].to_owned());
        pair(one, part)
    });
    let recorded = script();
    let pipeline = pipeline.with(recorded.clone());
    let error = pipeline.run((text(), 7)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panicked);
    assert!(error.stage().starts_with("graph at tests/it/graphs/calls.rs:"), "{error}");
    assert_eq!(recorded.call_log(), ["b 0-10 Done", "a 0-10 Dropped"]);
    assert_eq!(pipeline.run((text(), 1)).await.unwrap(), ">a+bc");
    let last = pipeline!(|(x, n): (String, usize)| {
        let one = a(x);
        one[n..].to_owned()
    });
    let error = last.with(script()).run((text(), 7)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Panicked);
    assert!(error.stage().starts_with("graph at tests/it/graphs/calls.rs:"), "{error}");
}

#[stage(concurrency = 1)]
async fn narrow(x: u32, #[state] gauge: &Arc<Gauge>) -> u32 {
    let _inside = gauge.enter();
    tokio::time::sleep(ms(10)).await;
    x
}

#[tokio::test(start_paused = true)]
async fn each_written_call_of_a_stage_has_its_own_concurrency_limit_over_all_items() {
    let gauge = Arc::new(Gauge::default());
    let pipeline = pipeline!(|x: u32| {
        let one = narrow(x);
        let other = narrow(x);
        add(one, other)
    });
    let pipeline = pipeline.with(Shared { service: Arc::new(0), gauge: Arc::clone(&gauge) });
    let start = tokio::time::Instant::now();
    assert_eq!(pipeline.collect(0..6).await.unwrap(), [0, 2, 4, 6, 8, 10]);
    assert_eq!((start.elapsed(), gauge.most()), (ms(60), 2));
}
