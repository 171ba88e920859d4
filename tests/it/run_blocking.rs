//! `run_blocking` and its like: pipelines from code that is not async.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use pipeline::{ErrorMode, pipeline, stage};

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

#[stage(retries = 1, delay = "1ms")]
async fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
    tokio::task::yield_now().await;
    text.parse()
}

fn lines() -> Vec<String> {
    ["1", "two", "3"].map(String::from).to_vec()
}

#[test]
fn each_verb_for_many_items_has_a_form_that_blocks() {
    let numbers = pipeline![parse].on_error(ErrorMode::Collect);
    assert_eq!(numbers.collect_blocking(["1".into(), "2".into()]).unwrap(), [1, 2]);
    assert_eq!(numbers.collect_blocking(lines()).unwrap_err().failure.index, 1);

    let report = numbers.drain_blocking(lines()).unwrap();
    assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (3, 2, 1));

    let settled: Vec<_> = numbers.settle_blocking(lines()).into_iter().map(Result::ok).collect();
    assert_eq!(settled, [Some(1), None, Some(3)]);

    let results: Vec<_> =
        numbers.iter(lines()).map(|result| result.map_err(|failure| failure.index)).collect();
    assert_eq!(results, [Ok(1), Err(1), Ok(3)]);
}

#[test]
fn an_iterator_ends_with_its_report() {
    let numbers = pipeline![parse].on_error(ErrorMode::Lenient);
    let mut results = numbers.iter(lines());
    assert_eq!(results.next().and_then(Result::ok), Some(1));
    let report = results.report();
    assert_eq!((report.items_in(), report.items_failed()), (3, 1));
    assert!(numbers.iter(Vec::new()).next().is_none());
}

/// An endless source is read as far as the results are, and a window ahead.
#[test]
fn an_iterator_does_not_run_ahead_of_its_reader() {
    let read = Arc::new(AtomicUsize::new(0));
    let source = {
        let read = Arc::clone(&read);
        (0_u64..).inspect(move |_| {
            read.fetch_add(1, Ordering::SeqCst);
        })
    };
    let doubled = pipeline![|x: u64| x * 2].concurrency(4);
    let mut results = doubled.iter(source);
    let first: Vec<_> = results.by_ref().take(100).filter_map(Result::ok).collect();
    assert_eq!(first, (0..100).map(|x| x * 2).collect::<Vec<_>>());
    // In the queue, in the reader's hands, and in flight or buffered: a small multiple of the concurrency each.
    assert!(read.load(Ordering::SeqCst) <= 100 + 40, "{}", read.load(Ordering::SeqCst));
    drop(results);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_a_blocking_thread_the_verbs_use_its_runtime() {
    let numbers = pipeline![parse].on_error(ErrorMode::Collect);
    let counted = tokio::task::spawn_blocking(move || {
        let collected = numbers.collect_blocking(["1".into()]).unwrap().len();
        (collected, numbers.iter(lines()).count(), numbers.settle_blocking(lines()).len())
    });
    assert_eq!(counted.await.unwrap(), (1, 3, 3));
}

/// The messages of the panics of this thread.
fn panics(call: impl FnOnce()) -> Vec<String> {
    let messages = Arc::new(Mutex::new(Vec::new()));
    let (me, before) = (thread::current().id(), std::panic::take_hook());
    let (recorded, before) = (Arc::clone(&messages), Arc::new(before));
    let others = Arc::clone(&before);
    std::panic::set_hook(Box::new(move |info| {
        if thread::current().id() == me {
            recorded.lock().unwrap().push(info.payload_as_str().unwrap_or_default().to_owned());
        } else {
            others(info);
        }
    }));
    let caught = catch_unwind(AssertUnwindSafe(call));
    std::panic::set_hook(Box::new(move |info| before(info)));
    assert!(caught.is_err());
    let messages = messages.lock().unwrap();
    messages.clone()
}

async fn each_verb_panics_once_and_says_what_to_use() {
    let number = pipeline![parse];
    let told = |name: &str, instead: &str| {
        vec![format!(
            "`{name}` was called in async code, where it would block the thread of the runtime: use `{instead}` instead"
        )]
    };
    assert_eq!(panics(|| drop(number.run_blocking("1".into()))), told("run_blocking", ".run(input).await"));
    // Each takes all that the task may do before it yields.
    tokio::task::yield_now().await;
    let collected = panics(|| drop(number.collect_blocking(lines())));
    assert_eq!(collected, told("collect_blocking", ".collect(inputs).await"));
    tokio::task::yield_now().await;
    assert_eq!(
        panics(|| drop(number.drain_blocking(lines()))),
        told("drain_blocking", ".drain(inputs).await")
    );
    tokio::task::yield_now().await;
    let settled = panics(|| drop(number.settle_blocking(lines())));
    assert_eq!(settled, told("settle_blocking", ".settle(inputs).await"));
    tokio::task::yield_now().await;
    assert_eq!(panics(|| drop(number.iter(lines()))), told("iter", ".stream(inputs)"));
}

#[test]
fn in_async_code_each_verb_panics_once_and_says_what_to_use() {
    let one = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    one.block_on(each_verb_panics_once_and_says_what_to_use());
    let many = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    many.block_on(each_verb_panics_once_and_says_what_to_use());
    many.block_on(async { tokio::spawn(each_verb_panics_once_and_says_what_to_use()).await.unwrap() });
}
