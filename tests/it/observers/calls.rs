//! What observers are told of the calls, attempts and items of a run.

use std::sync::Arc;

use pipeline::{Accepts, BoxPipeline, ErrorMode, Stage, StageContext, StageError, pipeline, stage};

use crate::support::recording_observer::{End, RecordingObserver};
use crate::support::worker_counts::{OnWorkers, for_each_worker_count};
use crate::support::{Refused, ms};

#[stage]
async fn step(x: u64) -> Result<u64, Refused> {
    tokio::time::sleep(ms(x % 3)).await;
    assert!(x != 7, "seven");
    if x == 5 { Err(Refused(5)) } else { Ok(x) }
}

#[stage]
fn ready(x: u64) -> u64 {
    x
}

#[tokio::test(start_paused = true)]
async fn every_verb_reports_its_run_its_calls_and_its_items_once() {
    for_each_worker_count!(|workers| {
        let observer = Arc::new(RecordingObserver::default());
        let pipeline = pipeline![ready => step => ready.name("again")].observe(Arc::clone(&observer));
        let pipeline = pipeline.on_error(ErrorMode::Collect).concurrency(4).on_workers(workers);
        for verb in ["drain", "collect", "stream", "settle"] {
            match verb {
                "drain" => drop(pipeline.drain(0..20).await),
                "collect" => drop(pipeline.collect(0..20).await),
                "stream" => drop(pipeline.stream(0..20).report().await),
                _ => drop(pipeline.settle(0..20).await),
            }
            let record = observer.take_record();
            record.check();
            let mut ends = [End::Done; 20];
            (ends[5], ends[7]) = (End::Failed, End::Panicked);
            assert_eq!(
                (record.call_ends("step"), record.item_ends()),
                (ends.to_vec(), ends.to_vec()),
                "{verb}, {workers} workers"
            );
            assert_eq!((record.call_ends("ready").len(), record.call_ends("again").len()), (20, 18));
        }
        for (item, end) in [(1, End::Done), (5, End::Failed), (7, End::Panicked)] {
            let result = pipeline.run(item).await;
            assert_eq!(result.is_ok(), end == End::Done);
            let record = observer.take_record();
            record.check();
            assert_eq!((record.call_ends("step"), record.item_ends()), (vec![end], vec![end]));
        }
    });
}

#[tokio::test(start_paused = true)]
async fn calls_between_boundaries_are_reported() {
    for_each_worker_count!(|workers| {
        let observer = Arc::new(RecordingObserver::default());
        // After `each` and `batch` an item has the index of its source item, or of the first one if it has several.
        let pipeline = pipeline![ready => |x| [x] => each => step => batch(1) => inspect(|_| ())];
        let pipeline =
            pipeline.observe(Arc::clone(&observer)).on_error(ErrorMode::Collect).on_workers(workers);
        pipeline.drain(0..20).await.unwrap();
        let record = observer.take_record();
        assert_eq!((record.call_ends("ready"), record.call_ends("step").len()), (vec![End::Done; 20], 20));
        assert_eq!(record.item_ends().iter().filter(|end| **end == End::Done).count(), 18);
    });
}

/// A manual implementation of `Stage`.
struct Own;

impl Accepts<u64> for Own {
    type Out = u64;
}

impl<S: Send + Sync> Stage<u64, S> for Own {
    async fn call(&self, input: u64, _: &StageContext<'_, S>) -> Result<u64, StageError> {
        Ok(input)
    }
}

#[tokio::test(start_paused = true)]
async fn calls_in_nested_bound_and_overridden_stages_are_reported() {
    let observer = Arc::new(RecordingObserver::default());
    let inner = pipeline![ready.name("inner") => step.timeout("1s").name("patient")];
    let bound = pipeline![ready.name("bound")].with(3_u8);
    let pipeline = pipeline![{ inner } => { bound } => { Own } => |x| x => inspect(|_| ())];
    let pipeline = pipeline.observe(Arc::clone(&observer)).on_error(ErrorMode::Collect);
    let report = pipeline.drain(0..8).await.unwrap();
    let record = observer.take_record();
    record.check();
    let names: Vec<_> = report.stages().iter().map(|stage| stage.name().to_owned()).collect();
    assert_eq!(names[..4], ["inner", "patient", "bound", "Own"]);
    assert_eq!(record.call_ends("patient").iter().filter(|end| **end == End::Done).count(), 6);
}

#[tokio::test(start_paused = true)]
async fn calls_in_a_boxed_pipeline_are_reported() {
    let observer = Arc::new(RecordingObserver::default());
    let boxed: BoxPipeline<u64, u64> = pipeline![ready => step].observe(Arc::clone(&observer)).boxed();
    boxed.drain(0..4).await.unwrap();
    let record = observer.take_record();
    assert_eq!(
        (record.call_ends("ready"), record.call_ends("step")),
        (vec![End::Done; 4], vec![End::Done; 4])
    );
    record.check();
    let inner: BoxPipeline<u64, u64> = pipeline![step].boxed();
    pipeline![{ inner } => ready].observe(Arc::clone(&observer)).run(1).await.unwrap();
    let record = observer.take_record();
    assert_eq!((record.call_ends("ready"), record.call_ends("step")), (vec![End::Done], vec![End::Done]));
}

#[tokio::test(start_paused = true)]
async fn calls_in_a_nested_pipeline_with_workers_are_reported() {
    let observer = Arc::new(RecordingObserver::default());
    let inner = pipeline![step].workers(2);
    pipeline![{ inner } => ready].observe(Arc::clone(&observer)).drain(0..4).await.unwrap();
    let record = observer.take_record();
    assert_eq!(
        (record.call_ends("ready"), record.call_ends("step")),
        (vec![End::Done; 4], vec![End::Done; 4])
    );
    let boxed = pipeline![step].workers(2).observe(Arc::clone(&observer)).boxed();
    boxed.drain(0..4).await.unwrap();
    assert_eq!(observer.take_record().call_ends("step"), [End::Done; 4]);
}

#[stage(retries = 3, backoff = "linear", delay = "10ms")]
async fn flaky(x: u32, #[context] cx: &pipeline::Context) -> Result<u32, Refused> {
    tokio::task::yield_now().await;
    if cx.attempt() <= x { Err(Refused(9)) } else { Ok(x) }
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_is_reported_with_its_delay_and_its_call_once() {
    for_each_worker_count!(|workers| {
        let observer = Arc::new(RecordingObserver::default());
        let pipeline =
            pipeline![flaky].observe(Arc::clone(&observer)).on_error(ErrorMode::Collect).on_workers(workers);
        let report = pipeline.drain([0, 2, 9]).await.unwrap();
        let mut record = observer.take_record();
        record.check();
        assert_eq!(record.call_ends("flaky"), [End::Done, End::Done, End::Failed]);
        record.attempts.sort();
        let said: Vec<_> =
            record.attempts.iter().map(|(_, index, number, wait)| (*index, *number, *wait)).collect();
        let (one, two, three) = (ms(10), ms(20), ms(30));
        assert_eq!(said, [(1, 1, one), (1, 2, two), (2, 1, one), (2, 2, two), (2, 3, three)]);
        assert_eq!((report.stages()[0].retries(), report.stages()[0].attempts()), (5, 8));
    });
}
