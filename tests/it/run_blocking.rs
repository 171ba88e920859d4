//! `run_blocking`: pipelines from code that is not async.

use pipeline::{pipeline, stage};

#[stage(timeout = "5s")]
async fn greet(name: &str) -> String {
    tokio::task::yield_now().await;
    format!("Hello, {name}!")
}

#[test]
fn run_blocking_waits_for_the_item() {
    assert_eq!(pipeline![greet].run_blocking("Ada".into()).unwrap(), "Hello, Ada!");
}

#[tokio::test]
#[should_panic(expected = "use `.run(input).await` instead")]
async fn inside_async_code_run_blocking_panics_and_says_what_to_use() {
    let _ = pipeline![greet].run_blocking("Ada".into());
}

#[tokio::test]
async fn on_a_blocking_thread_run_blocking_waits_for_the_item() {
    let pipeline = pipeline![greet];
    let greeted = tokio::task::spawn_blocking(move || pipeline.run_blocking("Ada".into())).await.unwrap();
    assert_eq!(greeted.unwrap(), "Hello, Ada!");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inside_block_in_place_run_blocking_uses_the_current_runtime() {
    let pipeline = pipeline![greet];
    let greeted = tokio::task::block_in_place(|| pipeline.run_blocking("Ada".into()));
    assert_eq!(greeted.unwrap(), "Hello, Ada!");
}
