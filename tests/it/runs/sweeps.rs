//! Sweeps: many items of an iterator through stages that are not async, in one loop. What is observable is as without them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use pipeline::traits::RunMany;
use pipeline::{CancellationToken, ErrorKind, ErrorMode, OneToOne, Pipeline, Report, pipeline, stage};

use crate::support::Refused;

type Calls = Arc<AtomicUsize>;

#[stage]
fn count(x: u64, #[state] calls: &Calls) -> u64 {
    calls.fetch_add(1, Ordering::Relaxed);
    x
}

/// Fails on multiples of 100 that are not 0, and panics on 250 and 1251.
#[stage]
fn check(x: &u64) -> Result<u64, Refused> {
    assert!(*x != 250 && *x != 1251, "not {x}");
    if *x != 0 && x.is_multiple_of(100) { Err(Refused(u16::try_from(*x).unwrap())) } else { Ok(*x) }
}

#[stage]
fn double(x: u64) -> u64 {
    x * 2
}

/// Around the numbers of items at which a sweep ends.
const LENGTHS: [u64; 15] = [0, 1, 2, 15, 16, 17, 255, 256, 257, 300, 1023, 1024, 1025, 2049, 5000];

/// The calls and the outputs of each stage.
fn counts(report: &Report) -> Vec<(usize, usize)> {
    report.stages().iter().map(|stage| (stage.calls(), stage.outputs())).collect()
}

#[tokio::test]
async fn all_items_pass_in_order_and_are_counted() {
    let stages = pipeline![count => |x| x + 1 => inspect(|x| assert!(*x > 0)) => double];
    for length in LENGTHS {
        let pipeline = stages.clone().with(Calls::default());
        let items = usize::try_from(length).unwrap();
        let expected: Vec<_> = (1..=length).map(|x| x * 2).collect();
        assert_eq!(pipeline.collect(0..length).await.unwrap(), expected);
        // An iterator that does not know its length.
        assert_eq!(pipeline.collect((0..length * 2).filter(|x| *x < length)).await.unwrap(), expected);
        let report = pipeline.drain(0..length).await.unwrap();
        assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (items, items, 0));
        assert_eq!(counts(&report), vec![(items, items); 4]);
        assert_eq!(report.stages().iter().all(|stage| stage.p99().is_some()), length > 0);
        // Verbs without sweeps give the same.
        assert_eq!(
            pipeline.settle(0..length).await.into_iter().collect::<Result<Vec<_>, _>>().unwrap(),
            expected
        );
    }
}

/// Runs 0..2000 through `check` and `double`, in a mode that goes on after failures, and checks what comes out.
async fn check_failures<F, S>(pipeline: Pipeline<u64, F, S>)
where
    F: RunMany<u64, S, OneToOne, Out = u64>,
    S: Send + Sync,
{
    let fails = |x: &u64| *x == 250 || *x == 1251 || (*x != 0 && x.is_multiple_of(100));
    let expected: Vec<_> = (0..2000).filter(fails).collect();
    let report = pipeline.clone().on_error(ErrorMode::Collect).drain(0..2000).await.unwrap();
    let failed: Vec<_> = report.failures().iter().map(|failure| failure.index as u64).collect();
    assert_eq!(failed, expected);
    for failure in report.failures() {
        assert_eq!(failure.error.stage(), "check");
        let panicked = [250, 1251].contains(&failure.index);
        assert_eq!(failure.error.kind(), if panicked { ErrorKind::Panicked } else { ErrorKind::Failed });
        match failure.error.downcast_ref::<Refused>() {
            Some(refused) => assert_eq!(usize::from(refused.0), failure.index),
            None => assert_eq!(
                format!("{:#}", failure.error),
                format!("stage `check` panicked: not {}", failure.index)
            ),
        }
    }
    let passed = 2000 - expected.len();
    assert_eq!(
        (report.items_in(), report.items_out(), report.items_failed()),
        (2000, passed, expected.len())
    );
    assert_eq!(counts(&report), [(2000, passed), (passed, passed)]);
    let check = &report.stages()[0];
    assert_eq!((check.failed(), check.cancelled(), check.attempts()), (expected.len(), 0, 2000));

    let report = pipeline.on_error(ErrorMode::Lenient).collect(0..2000).await.unwrap_err().report;
    assert_eq!(
        (report.items_in(), report.items_out(), report.items_failed()),
        (2000, passed, expected.len())
    );
}

#[tokio::test]
async fn failures_and_panics_fail_their_own_items_and_name_their_stage() {
    check_failures(pipeline![check => double]).await;
    check_failures(pipeline![check => double].unordered()).await;
    check_failures(pipeline![check => double].concurrency(1)).await;
    // The steps of a nested pipeline.
    let inner = pipeline![check => double];
    check_failures(pipeline![u64: { inner }]).await;
    let inner = pipeline![check => double].with(7);
    check_failures(pipeline![u64: { inner }]).await;
}

#[tokio::test]
async fn a_panic_of_a_closure_in_the_middle_of_a_chain_names_it_and_its_item() {
    let pipeline = pipeline![double => |x| 1000 / (x - 600) => double].on_error(ErrorMode::Collect);
    let report = pipeline.drain(300..2000).await.unwrap();
    let [failure] = report.failures() else { panic!("{:?}", report.failures()) };
    assert_eq!(failure.index, 0);
    let report = pipeline.drain((301..2000).chain([300])).await.unwrap();
    let [failure] = report.failures() else { panic!("{:?}", report.failures()) };
    assert_eq!((failure.index, failure.error.kind()), (1699, ErrorKind::Panicked));
    assert!(failure.error.stage().starts_with("closure at "), "{}", failure.error);
    assert_eq!(counts(&report), [(1700, 1700), (1700, 1699), (1699, 1699)]);
    assert_eq!(report.stages()[1].failed(), 1);
}

#[tokio::test]
async fn a_strict_run_stops_at_the_failure() {
    let calls = Calls::default();
    let pipeline = pipeline![count => |x| x + 50 => check => double].with(Arc::clone(&calls));
    let aborted = pipeline.collect(51..).await.unwrap_err();
    assert_eq!(
        (aborted.failure.index, aborted.failure.error.to_string()),
        (99, "stage `check` failed".into())
    );
    let report = aborted.report;
    assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (100, 99, 1));
    assert_eq!(counts(&report), [(100, 100), (100, 100), (100, 99), (99, 99)]);
    assert_eq!(calls.load(Ordering::Relaxed), 100);

    // The panic on 1251.
    let aborted = pipeline.drain((151_u64..).filter(|x| !x.is_multiple_of(50))).await.unwrap_err();
    assert_eq!((aborted.failure.index, aborted.failure.error.kind()), (1029, ErrorKind::Panicked));
    let report = aborted.report;
    assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (1030, 1029, 1));
    assert_eq!(calls.load(Ordering::Relaxed), 100 + 1030);
}

#[tokio::test]
async fn a_panic_in_the_source_is_no_panic_of_a_stage() {
    let source = || (0..5000_u64).inspect(|x| assert!(*x < 700, "no {x}"));
    let pipeline = pipeline![double => |x| x + 1];
    let aborted = pipeline.collect(source()).await.unwrap_err();
    assert_eq!(aborted.failure.index, 700);
    assert_eq!(format!("{:#}", aborted.failure.error), "stage `source` panicked: no 700");
    let report = pipeline.on_error(ErrorMode::Collect).drain(source()).await.unwrap();
    assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (701, 700, 1));
    assert_eq!(counts(&report), [(700, 700), (700, 700)]);
}

/// An iterator that panics when it is asked for its length.
struct NoLength;

impl Iterator for NoLength {
    type Item = u64;

    fn next(&mut self) -> Option<u64> {
        Some(1)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        panic!("no length")
    }
}

#[tokio::test]
async fn a_source_that_panics_when_asked_for_its_length_fails_its_item() {
    let aborted = pipeline![double].collect(NoLength).await.unwrap_err();
    assert_eq!((aborted.failure.index, aborted.failure.error.stage()), (0, "source"));
}

#[tokio::test]
async fn an_iterator_is_not_read_again_after_it_ended() {
    let mut left = 1000;
    // It returns `None` once, and would yield more items if it were read again.
    let items = std::iter::from_fn(move || {
        left -= 1;
        (left != 100).then_some(left)
    });
    assert_eq!(pipeline![double].collect(items).await.unwrap().len(), 899);
}

/// Panics when it is dropped, if its number is 300.
struct PanicsOnDrop(u64);

impl Drop for PanicsOnDrop {
    fn drop(&mut self) {
        assert!(self.0 != 300 || std::thread::panicking(), "dropped {}", self.0);
    }
}

#[tokio::test]
async fn a_panic_in_the_drop_of_an_output_panics_the_run() {
    let pipeline = pipeline![|x: u64| PanicsOnDrop(x)];
    let run = tokio::spawn(async move { pipeline.drain(0..1000).await.map(|report| report.items_out()) });
    assert!(run.await.unwrap_err().is_panic());
    // Of an input, it belongs to the stage that takes it.
    let pipeline = pipeline![|x: PanicsOnDrop| x.0 % 7].on_error(ErrorMode::Collect);
    let report = pipeline.drain((0..1000).map(PanicsOnDrop)).await.unwrap();
    assert_eq!((report.failures()[0].index, report.items_out()), (300, 999));
}

/// Computes for 50 µs.
#[stage]
fn compute(x: u64) -> u64 {
    let start = Instant::now();
    while start.elapsed() < Duration::from_micros(50) {}
    x
}

#[tokio::test]
async fn turns_of_slow_stages_end_and_a_run_can_be_stopped_between_them() {
    let turns = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&turns);
    let token = CancellationToken::new();
    let cancel = token.clone();
    let neighbour = tokio::spawn(async move {
        loop {
            tokio::task::yield_now().await;
            if counted.fetch_add(1, Ordering::Relaxed) == 20 {
                cancel.cancel();
            }
        }
    });
    let report = pipeline![compute].cancel_on(token).drain(0..1_000_000).await.unwrap();
    neighbour.abort();
    assert!(report.stopped().is_some());
    // A turn of 100 µs has three calls; it may have many more only before the pace is known.
    assert!((20..=400).contains(&report.items_in()), "{} items in 20 turns", report.items_in());
    assert_eq!(report.items_in(), report.items_out());
}
