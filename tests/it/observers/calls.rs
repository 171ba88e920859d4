//! Calls, attempts and items, as observers are told of them.

use std::sync::Arc;

use pipeline::{Accepts, BoxPipeline, ErrorMode, Scope, Stage, StageError, pipeline, stage};

use crate::support::recording_observer::{End, Log};
use crate::support::worker_counts::{Spread, however_spread};
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
async fn each_verb_tells_of_its_run_its_calls_and_its_items_once() {
    however_spread!(|workers| {
        let log = Arc::new(Log::default());
        let line = pipeline![ready => step => ready.name("again")].observe(Arc::clone(&log));
        let line = line.on_error(ErrorMode::Collect).concurrency(4).spread(workers);
        for verb in ["drain", "collect", "stream", "settle"] {
            match verb {
                "drain" => drop(line.drain(0..20).await),
                "collect" => drop(line.collect(0..20).await),
                "stream" => drop(line.stream(0..20).report().await),
                _ => drop(line.settle(0..20).await),
            }
            let told = log.take();
            told.check();
            let mut ends = [End::Done; 20];
            (ends[5], ends[7]) = (End::Failed, End::Panicked);
            assert_eq!(
                (told.ends("step"), told.items()),
                (ends.to_vec(), ends.to_vec()),
                "{verb}, {workers} workers"
            );
            assert_eq!((told.ends("ready").len(), told.ends("again").len()), (20, 18));
        }
        for (item, end) in [(1, End::Done), (5, End::Failed), (7, End::Panicked)] {
            let result = line.run(item).await;
            assert_eq!(result.is_ok(), end == End::Done);
            let told = log.take();
            told.check();
            assert_eq!((told.ends("step"), told.items()), (vec![end], vec![end]));
        }
    });
}

#[tokio::test(start_paused = true)]
async fn calls_between_boundaries_are_told_too() {
    however_spread!(|workers| {
        let log = Arc::new(Log::default());
        // Behind `each` and `batch` an item has the number of its root: that of the first, if there are several.
        let line = pipeline![ready => |x| [x] => each => step => batch(1) => inspect(|_| ())];
        let line = line.observe(Arc::clone(&log)).on_error(ErrorMode::Collect).spread(workers);
        line.drain(0..20).await.unwrap();
        let told = log.take();
        assert_eq!((told.ends("ready"), told.ends("step").len()), (vec![End::Done; 20], 20));
        assert_eq!(told.items().iter().filter(|end| **end == End::Done).count(), 18);
    });
}

/// A stage of one's own.
struct Own;

impl Accepts<u64> for Own {
    type Out = u64;
}

impl<S: Send + Sync> Stage<u64, S> for Own {
    async fn call(&self, input: u64, _: &Scope<'_, S>) -> Result<u64, StageError> {
        Ok(input)
    }
}

#[tokio::test(start_paused = true)]
async fn calls_in_nested_boxed_and_overridden_stages_are_told() {
    let log = Arc::new(Log::default());
    let inner = pipeline![ready.name("inner") => step.timeout("1s").name("patient")];
    let bound = pipeline![ready.name("bound")].with(3_u8);
    let line = pipeline![{ inner } => { bound } => { Own } => |x| x => inspect(|_| ())];
    let line = line.observe(Arc::clone(&log)).on_error(ErrorMode::Collect);
    let report = line.drain(0..8).await.unwrap();
    let told = log.take();
    told.check();
    let names: Vec<_> = report.stages().iter().map(|stage| stage.name().to_owned()).collect();
    assert_eq!(names[..4], ["inner", "patient", "bound", "Own"]);
    assert_eq!(told.ends("patient").iter().filter(|end| **end == End::Done).count(), 6);
}

#[tokio::test(start_paused = true)]
async fn calls_in_a_boxed_pipeline_are_told() {
    let log = Arc::new(Log::default());
    let boxed: BoxPipeline<u64, u64> = pipeline![ready => step].observe(Arc::clone(&log)).boxed();
    boxed.drain(0..4).await.unwrap();
    let told = log.take();
    assert_eq!((told.ends("ready"), told.ends("step")), (vec![End::Done; 4], vec![End::Done; 4]));
    told.check();
    let inner: BoxPipeline<u64, u64> = pipeline![step].boxed();
    pipeline![{ inner } => ready].observe(Arc::clone(&log)).run(1).await.unwrap();
    let told = log.take();
    assert_eq!((told.ends("ready"), told.ends("step")), (vec![End::Done], vec![End::Done]));
}

#[tokio::test(start_paused = true)]
async fn calls_in_a_nested_pipeline_with_workers_are_told() {
    let log = Arc::new(Log::default());
    let inner = pipeline![step].workers(2);
    pipeline![{ inner } => ready].observe(Arc::clone(&log)).drain(0..4).await.unwrap();
    let told = log.take();
    assert_eq!((told.ends("ready"), told.ends("step")), (vec![End::Done; 4], vec![End::Done; 4]));
    let boxed = pipeline![step].workers(2).observe(Arc::clone(&log)).boxed();
    boxed.drain(0..4).await.unwrap();
    assert_eq!(log.take().ends("step"), [End::Done; 4]);
}

#[stage(retries = 3, backoff = "linear", delay = "10ms")]
async fn flaky(x: u32, #[context] cx: &pipeline::Context) -> Result<u32, Refused> {
    tokio::task::yield_now().await;
    if cx.attempt() <= x { Err(Refused(9)) } else { Ok(x) }
}

#[tokio::test(start_paused = true)]
async fn a_failed_attempt_is_told_with_its_wait_and_the_call_once() {
    however_spread!(|workers| {
        let log = Arc::new(Log::default());
        let line = pipeline![flaky].observe(Arc::clone(&log)).on_error(ErrorMode::Collect).spread(workers);
        let report = line.drain([0, 2, 9]).await.unwrap();
        let mut told = log.take();
        told.check();
        assert_eq!(told.ends("flaky"), [End::Done, End::Done, End::Failed]);
        told.attempts.sort();
        let said: Vec<_> =
            told.attempts.iter().map(|(_, index, number, wait)| (*index, *number, *wait)).collect();
        let (one, two, three) = (ms(10), ms(20), ms(30));
        assert_eq!(said, [(1, 1, one), (1, 2, two), (2, 1, one), (2, 2, two), (2, 3, three)]);
        assert_eq!((report.stages()[0].retries(), report.stages()[0].attempts()), (5, 8));
    });
}
