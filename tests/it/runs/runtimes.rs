//! Runtimes that are shut down, are not driven, or have no timers.

use pipeline::{ErrorKind, ErrorMode, Stopped, pipeline, source, stage};
use tokio::runtime::{Builder, Runtime};

use crate::support::without_runtime;

#[stage]
async fn step(x: u64) -> u64 {
    tokio::task::yield_now().await;
    x
}

#[stage(timeout = "10ms")]
async fn never(_x: u64) -> u64 {
    std::future::pending().await
}

fn one_thread() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}

#[test]
fn a_stream_whose_runtime_is_shut_down_ends_with_an_error_that_says_so() {
    let (other, own) = (one_thread(), one_thread());
    let mut outputs = other.block_on(async {
        let mut outputs = pipeline![step].concurrency(4).stream(0..);
        assert_eq!(outputs.next().await.unwrap().unwrap(), 0);
        outputs
    });
    drop(other);
    own.block_on(async {
        let mut read = 1;
        let failure = loop {
            match outputs.next().await.unwrap() {
                Ok(_) => read += 1,
                Err(failure) => break failure,
            }
        };
        assert_eq!(failure.error.kind(), ErrorKind::Cancelled);
        let message =
            "item 4: stage `stream` was cancelled: the tokio runtime was shut down before the end of the run";
        assert_eq!(format!("{failure:#}").replace(&failure.index.to_string(), "4"), message);
        assert!(outputs.next().await.is_none());
        let report = outputs.report().await;
        assert_eq!((report.items_out(), report.is_success()), (read, false));
        let over = report.items_out() + report.items_cancelled();
        assert_eq!((report.items_in(), report.stage("step").unwrap().calls()), (over, over));
        assert_eq!(failure.index, over, "the first item that was not read");
        assert_eq!(report.stopped(), Some(Stopped::RuntimeShutDown));
        assert!(report.to_string().contains("; the tokio runtime was shut down"), "{report}");
    });
}

#[test]
fn so_does_a_stream_that_is_made_afterwards() {
    let other = one_thread();
    let handle = other.handle().clone();
    drop(other);
    let mut outputs = {
        let _context = handle.enter();
        pipeline![step].stream(0..)
    };
    one_thread().block_on(async {
        assert!(outputs.next().await.unwrap().is_err());
        assert!(outputs.next().await.is_none());
        assert_eq!(outputs.report().await.stopped(), Some(Stopped::RuntimeShutDown));
    });
}

#[test]
fn workers_of_a_runtime_that_is_shut_down_end_the_run_with_an_error_that_says_so() {
    for mode in [ErrorMode::Strict, ErrorMode::Lenient] {
        let other = one_thread();
        let handle = other.handle().clone();
        let run = pipeline![step].workers(2).on_error(mode);
        // The first runs begin while the other runtime is there, and the later ones afterwards.
        let mut drain = Box::pin(run.drain(0..));
        {
            let _context = handle.enter();
            let polled = futures_util::FutureExt::now_or_never(&mut drain);
            assert!(polled.is_none());
        }
        drop(other);
        let _context = handle.enter();
        let aborted = without_runtime(drain).unwrap_err();
        assert_eq!(aborted.report.stopped(), Some(Stopped::RuntimeShutDown));
        assert!(format!("{aborted:#}").contains("the tokio runtime was shut down"), "{aborted:#}");

        let aborted = without_runtime(run.collect(0..9)).unwrap_err();
        assert!(format!("{aborted:#}").contains("the tokio runtime was shut down"), "{aborted:#}");
        let results = without_runtime(run.settle(0..9));
        assert_eq!(results.len(), 9);
        for result in results {
            let error = format!("{:#}", result.unwrap_err());
            assert!(error.contains("the tokio runtime was shut down"), "{error}");
        }
    }
}

#[test]
fn where_the_current_runtime_is_not_driven_run_blocking_uses_its_own() {
    let other = one_thread();
    let _context = other.enter();
    let error = pipeline![never].run_blocking(1).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TimedOut);
}

#[test]
fn without_timers_waits_fail_and_say_what_to_do() {
    let no_timers = Builder::new_current_thread().build().unwrap();
    no_timers.block_on(async {
        let what_to_do =
            "needs the timers of the tokio runtime: call `enable_time` or `enable_all` on its builder";
        let error = pipeline![never].run(1).await.unwrap_err();
        assert_eq!((error.stage(), error.kind()), ("never", ErrorKind::Panicked));
        assert!(format!("{error:#}").contains(what_to_do), "{error:#}");

        let one_and_no_more = || {
            let items = futures_util::StreamExt::chain(
                futures_util::stream::iter([1_u64]),
                futures_util::stream::pending(),
            );
            source::stream(items)
        };
        for mode in [ErrorMode::Strict, ErrorMode::Lenient] {
            let run = pipeline![u64: batch(4, "1h") => |batch| batch.len()].on_error(mode);
            let aborted = run.drain(one_and_no_more()).await.unwrap_err();
            let error = format!("{aborted:#}");
            assert!(error.contains("the batch has a linger time") && error.contains(what_to_do), "{error}");
            let mut outputs = run.stream(one_and_no_more());
            let failure = outputs.next().await.unwrap().unwrap_err();
            assert!(format!("{failure:#}").contains(what_to_do), "{failure:#}");
            assert!(outputs.next().await.is_none());
        }
    });
}
