//! Sources that panic, block, or end before they are exhausted.

use std::task::Poll;

use pipeline::{ErrorKind, ErrorMode, pipeline, source, stage};

use crate::support::worker_counts::{OnWorkers, for_each_worker_count};
use crate::support::{Refused, ms};

/// Yields three items, then panics.
fn panicking() -> impl Iterator<Item = u64> + Send {
    (0..10).inspect(|x| assert!(*x < 3, "no {x}"))
}

#[stage]
async fn pass(x: u64) -> u64 {
    tokio::time::sleep(ms(1)).await;
    x
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_source_fails_one_item_and_ends_the_run() {
    for_each_worker_count!(|workers| {
        let pipeline = pipeline![pass].on_workers(workers);
        let aborted = pipeline.drain(panicking()).await.unwrap_err();
        assert_eq!(aborted.failure.index, 3);
        assert_eq!(format!("{:#}", aborted.failure.error), "stage `source` panicked: no 3");
        let aborted = pipeline.collect(panicking()).await.unwrap_err();
        assert_eq!((aborted.failure.index, aborted.failure.error.stage()), (3, "source"));

        let results = pipeline.settle(panicking()).await;
        assert_eq!(results.iter().filter_map(|it| it.as_ref().ok().copied()).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(results[3].as_ref().unwrap_err().kind(), ErrorKind::Panicked);
        assert_eq!(results.len(), 4);

        let pipeline = pipeline.on_error(ErrorMode::Collect);
        let report = pipeline.drain(panicking()).await.unwrap();
        assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (4, 3, 1));
        assert_eq!(report.failures()[0].error.stage(), "source");
        assert_eq!(pipeline.collect(panicking()).await.unwrap_err().report.items_out(), 3);
        let mut outputs = pipeline.stream(panicking());
        for x in 0..3 {
            assert_eq!(outputs.next().await.unwrap().unwrap(), x);
        }
        assert_eq!(outputs.next().await.unwrap().unwrap_err().index, 3);
        assert!(outputs.next().await.is_none());
    });
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_source_before_a_boundary_fails_one_item() {
    let pipeline = pipeline![u64: batch(2) => |xs| xs => each => pass].on_error(ErrorMode::Collect);
    let report = pipeline.drain(panicking()).await.unwrap();
    assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (4, 3, 1));
    let aborted = pipeline.on_error(ErrorMode::Strict).drain(panicking()).await.unwrap_err();
    assert_eq!(aborted.failure.error.stage(), "source");
}

/// Wakes itself at its first poll; item 0 fails at the second.
#[stage]
async fn wakes_itself(x: u64) -> Result<u64, Refused> {
    let mut first = true;
    std::future::poll_fn(|cx| {
        if std::mem::take(&mut first) {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
    if x == 0 { Err(Refused(1)) } else { Ok(x) }
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_the_source_while_a_stage_fails_does_not_panic_the_run() {
    let source = || (0..10).inspect(|x| assert!(*x < 1, "no {x}"));
    for mode in [ErrorMode::Strict, ErrorMode::Collect] {
        let pipeline = pipeline![wakes_itself].on_error(mode);
        let aborted = pipeline.collect(source()).await.unwrap_err();
        assert_eq!(aborted.failure.index, 0);
        let pipeline = pipeline![wakes_itself => |x| vec![x] => each].on_error(mode);
        let mut outputs = pipeline.stream(source());
        assert_eq!(outputs.next().await.unwrap().unwrap_err().error.stage(), "wakes_itself");
        let report = outputs.report().await;
        assert_eq!(report.items_in(), report.items_out() + report.items_failed() + report.items_cancelled());
    }
}

#[tokio::test(start_paused = true)]
async fn a_source_is_not_polled_again_after_it_ended() {
    let mut left = 5;
    // It returns `None` once, and would yield more items if it were polled again.
    let items = futures_util::stream::poll_fn(move |_| {
        left -= 1;
        Poll::Ready((left != 2).then_some(left))
    });
    assert_eq!(pipeline![pass].collect(source::stream(items)).await.unwrap(), [4, 3]);
    let mut left = 5;
    let items = std::iter::from_fn(move || {
        left -= 1;
        (left != 2).then_some(left)
    });
    assert_eq!(pipeline![u64: batch(9) => |xs| xs].workers(2).collect(items).await.unwrap(), [[4, 3]]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_source_iterator_that_blocks_delays_only_its_own_run() {
    let (send, receive) = std::sync::mpsc::channel();
    // The receiver's iterator blocks its thread until another thread sends.
    let run = tokio::spawn(async move { pipeline![|x: u64| x + 1].collect(receive).await });
    let others = tokio::spawn(async move {
        for x in 0..3 {
            tokio::task::yield_now().await;
            send.send(x).unwrap();
        }
    });
    others.await.unwrap();
    assert_eq!(run.await.unwrap().unwrap(), [1, 2, 3]);
}

#[tokio::test]
async fn a_result_that_is_an_error_is_no_empty_source() {
    let list = |ok: bool| if ok { Ok(7) } else { Err("no such file") };
    for_each_worker_count!(|workers| {
        let pipeline = pipeline![pass].on_workers(workers).on_error(ErrorMode::Lenient);
        let aborted = pipeline.drain(list(false)).await.unwrap_err();
        assert_eq!((aborted.failure.error.stage(), aborted.report.is_success()), ("source", false));
        let told = format!("{:#}", aborted.failure.error);
        assert!(told.contains("it is a `Result`, and an `Err`"), "{told}");
        assert!(pipeline.collect(list(false)).await.is_err());
        assert_eq!(pipeline.settle(list(false)).await.len(), 1);
        let mut outputs = pipeline.stream(list(false));
        assert_eq!(outputs.next().await.unwrap().unwrap_err().error.stage(), "source");
        assert!(outputs.next().await.is_none());
        assert!(!outputs.report().await.is_success());
        // One that is `Ok` has one item.
        assert_eq!(pipeline.collect(list(true)).await.unwrap(), [7]);
        assert!(pipeline.collect(None::<u64>).await.unwrap().is_empty());
    });
}
