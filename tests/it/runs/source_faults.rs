//! Sources, iterators, stages and readers that misbehave.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use pipeline::{Context, ErrorKind, ErrorMode, pipeline, source, stage};
use tokio::time::Instant;

use crate::support::worker_counts::{Spread, however_spread};
use crate::support::{Gauge, Refused, ms};

/// Three items, and a panic.
fn broken() -> impl Iterator<Item = u64> + Send {
    (0..10).inspect(|x| assert!(*x < 3, "no {x}"))
}

#[stage]
async fn pass(x: u64) -> u64 {
    tokio::time::sleep(ms(1)).await;
    x
}

#[tokio::test(start_paused = true)]
async fn a_source_that_panics_is_a_failure_of_its_item_and_ends_the_run() {
    however_spread!(|workers| {
        let line = pipeline![pass].spread(workers);
        let aborted = line.drain(broken()).await.unwrap_err();
        assert_eq!(aborted.failure.index, 3);
        assert_eq!(aborted.failure.error.to_string(), "stage `source` panicked: no 3");
        let aborted = line.collect(broken()).await.unwrap_err();
        assert_eq!((aborted.failure.index, aborted.failure.error.stage()), (3, "source"));

        let results = line.settle(broken()).await;
        assert_eq!(results.iter().filter_map(|it| it.as_ref().ok().copied()).collect::<Vec<_>>(), [0, 1, 2]);
        assert_eq!(results[3].as_ref().unwrap_err().kind(), ErrorKind::Panicked);
        assert_eq!(results.len(), 4);

        let line = line.on_error(ErrorMode::Collect);
        let report = line.drain(broken()).await.unwrap();
        assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (4, 3, 1));
        assert_eq!(report.failures()[0].error.stage(), "source");
        assert_eq!(line.collect(broken()).await.unwrap_err().report.items_out(), 3);
        let mut outputs = line.stream(broken());
        for x in 0..3 {
            assert_eq!(outputs.next().await.unwrap().unwrap(), x);
        }
        assert_eq!(outputs.next().await.unwrap().unwrap_err().index, 3);
        assert!(outputs.next().await.is_none());
    });
}

#[tokio::test(start_paused = true)]
async fn a_source_may_panic_in_front_of_boundaries_too() {
    let line = pipeline![u64: batch(2) => |xs| xs => each => pass].on_error(ErrorMode::Collect);
    let report = line.drain(broken()).await.unwrap();
    assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (4, 3, 1));
    let aborted = line.on_error(ErrorMode::Strict).drain(broken()).await.unwrap_err();
    assert_eq!(aborted.failure.error.stage(), "source");
}

/// Is to be gone on with at once, and fails then.
#[stage]
async fn restless(x: u64) -> Result<u64, Refused> {
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
async fn a_source_that_panics_while_a_stage_fails_does_not_take_the_run_with_it() {
    let source = || (0..10).inspect(|x| assert!(*x < 1, "no {x}"));
    for mode in [ErrorMode::Strict, ErrorMode::Collect] {
        let line = pipeline![restless].on_error(mode);
        let aborted = line.collect(source()).await.unwrap_err();
        assert_eq!(aborted.failure.index, 0);
        let line = pipeline![restless => |x| vec![x] => each].on_error(mode);
        let mut outputs = line.stream(source());
        assert_eq!(outputs.next().await.unwrap().unwrap_err().error.stage(), "restless");
        let report = outputs.report().await;
        assert_eq!(report.items_in(), report.items_out() + report.items_failed() + report.items_cancelled());
    }
}

/// An iterator that panics where it is told to; at 0 when it is made.
struct Trap(u64);

impl IntoIterator for Trap {
    type Item = u64;
    type IntoIter = Box<dyn Iterator<Item = u64> + Send>;

    fn into_iter(self) -> Self::IntoIter {
        let at = self.0;
        assert!(at != 0, "not even begun");
        Box::new((1..=3).inspect(move |x| assert!(*x != at, "at {x}")))
    }
}

#[tokio::test(start_paused = true)]
async fn an_iterator_that_panics_fails_what_it_was_made_of_and_nothing_else() {
    however_spread!(|workers| {
        let line = pipeline![|at: u64| Trap(at) => each => pass].spread(workers);
        let line = line.on_error(ErrorMode::Collect);
        let report = line.drain([9, 2, 9, 0, 9, 1]).await.unwrap();
        let said: Vec<_> = report.failures().iter().map(|it| (it.index, it.error.to_string())).collect();
        let text = |cause| format!("stage `each` panicked: {cause}");
        assert_eq!(said, [(1, text("at 2")), (3, text("not even begun")), (5, text("at 1"))]);
        assert_eq!((report.items_out(), report.items_failed(), report.items_cancelled()), (10, 3, 0));
        let each = &report.stages()[1];
        assert_eq!((each.calls(), each.outputs(), each.failures()), (6, 10, 3));

        let mut outputs = line.stream([9, 2, 9]);
        let mut said = Vec::new();
        while let Some(output) = outputs.next().await {
            said.push(output.map_err(|failure| failure.index));
        }
        assert_eq!(said, [Ok(1), Ok(2), Ok(3), Ok(1), Err(1), Ok(1), Ok(2), Ok(3)]);

        let aborted = line.on_error(ErrorMode::Strict).collect([9, 2, 9]).await.unwrap_err();
        assert_eq!((aborted.failure.index, aborted.failure.error.stage()), (1, "each"));
    });
}

#[stage(timeout = "1s")]
async fn endless(_x: u64, #[state] gauge: &Arc<Gauge>) {
    let _inside = gauge.enter();
    std::future::pending::<()>().await;
}

#[tokio::test(start_paused = true)]
async fn a_stage_that_never_finishes_ends_with_its_timeout() {
    however_spread!(|workers| {
        let (gauge, start) = (Arc::new(Gauge::default()), Instant::now());
        let line = pipeline![endless].with(Arc::clone(&gauge)).concurrency(5).spread(workers);
        let report = line.on_error(ErrorMode::Collect).drain(0..10).await.unwrap();
        assert_eq!((start.elapsed(), gauge.now(), gauge.most()), (ms(2000), 0, 5));
        assert_eq!((report.items_failed(), report.stages()[0].timeouts()), (10, 10));
        assert!(report.failures().iter().all(|failure| failure.error.kind() == ErrorKind::TimedOut));
    });
}

#[tokio::test(start_paused = true)]
async fn none_one_and_a_few_items_go_through_every_verb() {
    however_spread!(|workers| {
        for n in [0_u64, 1, 5] {
            let line = pipeline![pass => |x| x].concurrency(50).spread(workers);
            let split = pipeline![pass => |x| [x] => each => batch(3) => |xs| xs].concurrency(50);
            let split = split.spread(workers);
            let all: Vec<_> = (0..n).collect();
            assert_eq!(line.collect(0..n).await.unwrap(), all);
            assert_eq!(line.settle(0..n).await.into_iter().map(Result::unwrap).collect::<Vec<_>>(), all);
            let report = line.drain(0..n).await.unwrap();
            assert_eq!((report.items_in() as u64, report.items_out() as u64), (n, n));
            assert!(report.is_success());
            assert_eq!(line.stream(0..n).report().await.items_out() as u64, n);
            assert_eq!(split.collect(0..n).await.unwrap().concat(), all);
            let batches = n.div_ceil(3);
            assert_eq!(split.drain(0..n).await.unwrap().items_out() as u64, batches);
            assert_eq!(split.stream(0..n).report().await.items_out() as u64, batches);
        }
    });
}

#[test]
#[should_panic(expected = "a pipeline with `workers(0)` would never run")]
fn no_workers_at_all_are_refused() {
    let _ = pipeline![pass].workers(0);
}

#[tokio::test(start_paused = true)]
async fn a_concurrency_beyond_reason_is_no_trouble() {
    for concurrency in [100_000, usize::MAX] {
        let line = pipeline![pass].concurrency(concurrency);
        assert_eq!(line.collect(0..100).await.unwrap().len(), 100);
        assert_eq!(line.stream(0..100).report().await.items_out(), 100);
        let line = line.workers(2);
        assert_eq!(line.collect(0..100).await.unwrap().len(), 100);
        assert_eq!(line.drain(0..100).await.unwrap().items_out(), 100);
    }
}

/// Panics when it is dropped, if it is odd.
struct Bomb(u64);

impl Drop for Bomb {
    fn drop(&mut self) {
        assert!(self.0.is_multiple_of(2) || std::thread::panicking(), "{} went off", self.0);
    }
}

#[stage]
fn arm(x: u64) -> Bomb {
    Bomb(x)
}

#[tokio::test(start_paused = true)]
async fn an_output_whose_drop_panics_hangs_nobody() {
    however_spread!(|workers| {
        // The drop of an output is nobody's item: the panic is that of the run.
        let line = pipeline![pass => arm].concurrency(2).spread(workers);
        let run = tokio::spawn(async move { line.drain(0..9).await.map(|report| report.items_out()) });
        assert!(tokio::time::timeout(ms(60_000), run).await.expect("the run hangs").is_err());
        // That of an input is its stage's.
        let line = pipeline![arm => |bomb| bomb.0].spread(workers);
        let run = tokio::spawn(async move { line.on_error(ErrorMode::Collect).drain(0..9).await });
        let report = tokio::time::timeout(ms(60_000), run).await.expect("the run hangs").unwrap().unwrap();
        assert_eq!((report.items_out(), report.items_failed()), (5, 4));
    });
}

#[stage]
async fn armed(x: u64, #[context] cx: &Context) -> u64 {
    tokio::time::sleep(ms(1)).await;
    cx.extensions().insert(Arc::new(Bomb(x)));
    x
}

#[tokio::test(start_paused = true)]
async fn an_extension_whose_drop_panics_hangs_nobody() {
    however_spread!(|workers| {
        let line = pipeline![armed].on_error(ErrorMode::Collect).spread(workers);
        // Whether the items fail is not said.
        let run = tokio::spawn(async move { line.drain(0..9).await.is_ok() });
        assert!(
            tokio::time::timeout(Duration::from_secs(60), run).await.is_ok(),
            "{workers} workers: it hangs"
        );
    });
}

#[tokio::test(start_paused = true)]
async fn a_source_that_ends_early_ends_the_run() {
    let mut left = 5;
    // It says that there is nothing more, and would have more if it were asked again.
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
async fn an_iterator_that_blocks_holds_up_its_own_run_and_nobody_else() {
    let (send, receive) = std::sync::mpsc::channel();
    // The receiver's iterator blocks its thread until somebody on another one sends.
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
