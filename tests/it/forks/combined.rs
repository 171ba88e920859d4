//! Nested forks: with each verb, between boundaries, boxed and observed.

use std::sync::Arc;

use pipeline::{BoxPipeline, ErrorKind, ErrorMode, Pipeline, Stage, pipeline, stage};

use crate::support::recording_observer::{End, RecordingObserver};
use crate::support::scripted_stages::{Action, Script, a, b, c, d, pair};
use crate::support::worker_counts::{OnWorkers, for_each_worker_count};
use crate::support::{Refused, ms};

/// Fails on every fifth number, and panics on 7.
#[stage]
async fn picky(x: u64) -> Result<u64, Refused> {
    tokio::time::sleep(ms(x % 3)).await;
    assert!(x != 7, "seven");
    if x.is_multiple_of(5) { Err(Refused(5)) } else { Ok(x) }
}

#[stage]
async fn ready(x: &u64) -> u64 {
    *x
}

/// Fails on 10.
#[stage]
async fn mirror(x: u64) -> Result<u64, Refused> {
    tokio::time::sleep(ms(1)).await;
    if x == 10 { Err(Refused(10)) } else { Ok(x + 1000) }
}

#[stage]
async fn slow(x: &u64) -> u64 {
    tokio::time::sleep(ms(10 * (x % 4) + 5)).await;
    *x
}

#[stage]
fn add(x: u64, y: u64) -> u64 {
    x + y
}

/// All kinds of forks, nested.
fn forks() -> Pipeline<u64, impl Stage<u64, (), Out = u64> + 'static> {
    pipeline![
        (|x: u64| {
            let one = {pipeline![((picky | mirror), slow) => add]}(x);
            let other = {pipeline![
                u64: match {
                    x if x > 3 => x => (picky.name("other") | mirror.name("spare")),
                    x => x => ready.name("small"),
                }
            ]}(x);
            (one, other)
        })
            => add.name("all")
            => { pipeline![(ready, |x| x)] }
            => |(x, _)| x
    ]
}

/// The output of `forks()` for an input.
fn expected(x: u64) -> Option<u64> {
    match x {
        7 | 10 => None,
        0 => Some(1000),
        x if x.is_multiple_of(5) => Some(3 * x + 2000),
        x => Some(3 * x),
    }
}

#[tokio::test(start_paused = true)]
async fn every_verb_runs_items_through_forks_on_any_number_of_workers() {
    let all: Vec<_> = (0..40).map(expected).collect();
    let well: Vec<_> = all.iter().flatten().copied().collect();
    let calls = [("picky", 40, 8, 1), ("mirror", 8, 1, 0), ("slow", 40, 0, 2), ("add", 38, 0, 0)];
    for_each_worker_count!(|workers| {
        for concurrency in [1, 7, 64] {
            let pipeline = forks().on_error(ErrorMode::Collect).concurrency(concurrency).on_workers(workers);
            let results = pipeline.settle(0..40).await.into_iter().map(Result::ok).collect::<Vec<_>>();
            assert_eq!(results, all);
            let report = pipeline.drain(0..40).await.unwrap();
            assert_eq!((report.items_in(), report.items_out(), report.items_failed()), (40, 38, 2));
            let failed: Vec<_> = report.failures().iter().map(|failure| failure.index).collect();
            assert_eq!(failed.len(), 2);
            // Item 7 panics in `picky` or in `other`; the earlier panic drops the other call.
            for (name, calls, failures, panics) in calls {
                let stage = report.stage(name).unwrap();
                assert_eq!(stage.calls(), calls, "{name}");
                assert!(
                    (failures..=failures + panics).contains(&(stage.failed() + stage.cancelled())),
                    "{name}"
                );
            }
            let aborted = pipeline.collect(0..40).await.unwrap_err();
            assert_eq!((aborted.report.items_out(), aborted.report.items_failed()), (38, 2));
            let mut stream = pipeline.stream(0..40);
            let mut outputs = Vec::new();
            while let Some(result) = stream.next().await {
                outputs.extend(result.ok());
            }
            assert_eq!(outputs, well);
            assert_eq!(stream.report().await.items_failed(), 2);
            let mut outputs = pipeline.clone().unordered().collect(11..40).await.unwrap();
            outputs.sort_unstable();
            let mut sorted = well[9..].to_vec();
            sorted.sort_unstable();
            assert_eq!(outputs, sorted);
            assert_eq!(pipeline.run(8).await.unwrap(), 24);
        }
    });
}

#[test]
fn run_blocking_runs_forks() {
    let pipeline =
        pipeline![u64: (ready, |x| x + 1) => add => (odd | |x| x + 1) => match { x => x => ready }];
    assert_eq!(pipeline.run_blocking(2).unwrap(), 5);
    assert_eq!(forks().boxed().run_blocking(10).unwrap_err().kind(), ErrorKind::Failed);
}

#[stage]
fn odd(x: u64) -> Result<u64, Refused> {
    if x % 2 == 1 { Ok(x) } else { Err(Refused(2)) }
}

#[tokio::test(start_paused = true)]
async fn forks_can_be_boxed_and_nested() {
    let boxed: BoxPipeline<u64, u64> = forks().boxed();
    let outer = pipeline![|x: u64| x + 1 => ({ boxed.clone() }, { boxed }) => add => { forks() }];
    let inner = expected(2).unwrap() * 2;
    assert_eq!(outer.run(1).await.unwrap(), expected(inner).unwrap());
    let error = outer.workers(2).settle([6]).await.remove(0).unwrap_err();
    assert_eq!((error.stage(), error.kind()), ("picky", ErrorKind::Panicked));
}

#[tokio::test(start_paused = true)]
async fn forks_in_a_nested_pipeline_use_its_state() {
    let [inner, outer] = ["b", "c"].map(|fails| Script::new().with(fails, 5, Action::Fail));
    let nested = pipeline![(a, (b | c)) => pair].with(inner.clone());
    let pipeline = pipeline![({ nested.clone() }, b => { nested } , (c | d)) => |(x, y, z)| [x, y, z]]
        .with(outer.clone());
    assert_eq!(pipeline.run(">".to_owned()).await.unwrap(), [">a+>c", ">ba+>bc", ">d"]);
    let stages = |script: &Script| {
        let mut stages: Vec<_> =
            script.take_calls().into_iter().map(|entry| (entry.stage, entry.outcome)).collect();
        stages.sort_by_key(|(stage, _)| *stage);
        stages.into_iter().map(|(stage, _)| stage).collect::<String>()
    };
    assert_eq!((stages(&inner), stages(&outer)), ("aabbcc".to_owned(), "bcd".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn forks_work_between_each_and_batch() {
    for_each_worker_count!(|workers| {
        let pipeline = pipeline![
            |x: u64| [x, x + 100] => each => (ready, (odd | |x| x + 1)) => batch(3)
                => (|pairs: Vec<(u64, u64)>| pairs.len(), |pairs| pairs[0]) => |(n, (x, y))| (n, x, y)
        ];
        let pipeline = pipeline.on_workers(workers);
        let expected = [(3, 0, 1), (3, 101, 101), (2, 3, 3)];
        assert_eq!(pipeline.collect(0..4).await.unwrap(), [expected[0], expected[1], (2, 3, 3)]);
        let report = pipeline.drain(0..4).await.unwrap();
        let counts: Vec<_> = report.stages().iter().map(|stage| (stage.calls(), stage.outputs())).collect();
        let (eight, three) = ((8, 8), (3, 3));
        let expected = [(4, 4), (4, 8), eight, (8, 4), (4, 4), (8, 3), three, three, three];
        assert_eq!(counts, expected, "{report}");
    });
}

#[tokio::test(start_paused = true)]
async fn observers_see_each_call_and_the_cancelled_branches() {
    for_each_worker_count!(|workers| {
        let observer = Arc::new(RecordingObserver::default());
        let pipeline = forks()
            .observe(Arc::clone(&observer))
            .on_error(ErrorMode::Collect)
            .concurrency(5)
            .on_workers(workers);
        let report = pipeline.drain(0..20).await.unwrap();
        let record = observer.take_record();
        assert_eq!(record.item_ends().iter().filter(|end| **end == End::Done).count(), 18);
        for stage in report.stages().iter().filter(|stage| !stage.name().starts_with("match at")) {
            let ends = record.call_ends(stage.name());
            let count = |these: &[End]| ends.iter().filter(|end| these.contains(end)).count();
            let failed = count(&[End::Failed, End::Panicked]);
            let counts = (ends.len(), count(&[End::Done]), failed, count(&[End::Cancelled]));
            let said = (stage.calls(), stage.outputs(), stage.failed(), stage.cancelled());
            assert_eq!(counts, said, "{}", stage.name());
        }
        // Item 7 panics after 1 ms and item 10 fails after 2 ms: calls next to them that take longer are cancelled.
        let cancelled: Vec<_> =
            record.calls.iter().filter(|(_, (_, ends))| ends[0] == End::Cancelled).collect();
        let names: Vec<_> = cancelled.iter().map(|((name, index), _)| (name.as_str(), *index)).collect();
        assert_eq!(names, [("other", 7), ("slow", 7), ("slow", 10), ("spare", 10)]);
        assert_eq!(record.calls[&("picky".to_owned(), 5)].1, [End::Failed]);
        assert_eq!(record.calls[&("mirror".to_owned(), 5)].1, [End::Done]);
    });
}
