//! What observers are told, whichever way items go.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pipeline::{
    Accepts, BoxPipeline, ErrorKind, ErrorMode, FailedAttempt, Observer, Outcome, Report, RunId, Scope,
    Stage, StageCall, StageError, pipeline, stage,
};

use crate::support::worker_counts::{Spread, however_spread};
use crate::support::{Refused, ms};

/// How something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    Done,
    Failed,
    Panicked,
    Cancelled,
}

impl End {
    fn of(outcome: &Outcome<'_>) -> Self {
        match outcome {
            Outcome::Done => Self::Done,
            Outcome::Failed(error) if error.kind() == ErrorKind::Panicked => Self::Panicked,
            Outcome::Failed(_) => Self::Failed,
            _ => Self::Cancelled,
        }
    }
}

/// What was told of one run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Told {
    pub(crate) started: u32,
    /// Of each stage and item, how often it started and how it ended.
    pub(crate) calls: BTreeMap<(String, usize), (u32, Vec<End>)>,
    pub(crate) attempts: Vec<(String, usize, u32, Duration)>,
    pub(crate) items: BTreeMap<usize, Vec<End>>,
    pub(crate) finished: Vec<Report>,
    /// What was told when all was said to be over.
    pub(crate) late: u32,
}

/// Writes down what it is told.
#[derive(Debug, Default)]
pub(crate) struct Log(Mutex<BTreeMap<RunId, Told>>);

impl Log {
    fn note(&self, run: RunId, note: impl FnOnce(&mut Told)) {
        let mut runs = self.0.lock().unwrap();
        let told = runs.entry(run).or_default();
        told.late += u32::from(!told.finished.is_empty());
        note(told);
    }

    /// What was told of the run that there was, which is checked to be consistent.
    pub(crate) fn take(&self) -> Told {
        let told = self.take_late();
        assert_eq!(told.late, 0, "nothing is told of a run that is over");
        told
    }

    /// The same, where calls may end after their run.
    pub(crate) fn take_late(&self) -> Told {
        let mut runs = std::mem::take(&mut *self.0.lock().unwrap());
        let (_, told) = runs.pop_first().expect("nothing was told");
        assert!(runs.is_empty(), "there was one run");
        assert_eq!((told.started, told.finished.len()), (1, 1), "a run starts and ends once");
        for (call, (started, ends)) in &told.calls {
            assert_eq!((*started, ends.len()), (1, 1), "{call:?} starts and ends once: {ends:?}");
        }
        for (item, ends) in &told.items {
            assert_eq!(ends.len(), 1, "item {item} ends once: {ends:?}");
        }
        told
    }
}

impl Told {
    /// How the calls of a stage ended, by item.
    pub(crate) fn ends(&self, stage: &str) -> Vec<End> {
        self.calls.iter().filter(|((name, _), _)| name == stage).map(|(_, (_, ends))| ends[0]).collect()
    }

    /// How the items ended.
    pub(crate) fn items(&self) -> Vec<End> {
        self.items.values().map(|ends| ends[0]).collect()
    }

    /// That the report says the same.
    pub(crate) fn check(&self) {
        let (report, count) =
            (&self.finished[0], |end: &[End]| self.items().iter().filter(|it| end.contains(it)).count());
        assert_eq!(self.items.len(), report.items_in());
        assert_eq!(count(&[End::Done]), report.items_out());
        assert_eq!(count(&[End::Failed, End::Panicked]), report.items_failed());
        assert_eq!(count(&[End::Cancelled]), report.items_cancelled());
        for stage in report.stages() {
            let ends = self.ends(stage.name());
            let cancelled = ends.iter().filter(|end| **end == End::Cancelled).count() as u64;
            assert_eq!(
                (ends.len() as u64, cancelled),
                (stage.calls(), stage.cancelled()),
                "{}",
                stage.name()
            );
        }
    }
}

impl Observer for Log {
    fn run_started(&self, run: RunId) {
        self.note(run, |told| told.started += 1);
    }

    fn stage_started(&self, call: &StageCall<'_>) {
        let key = (call.stage().to_owned(), call.index());
        assert_eq!((call.context().stage(), call.context().index()), (call.stage(), call.index()));
        self.note(call.run_id(), |told| told.calls.entry(key).or_default().0 += 1);
    }

    fn attempt_failed(&self, call: &StageCall<'_>, attempt: &FailedAttempt) {
        let said = (call.stage().to_owned(), call.index(), attempt.attempt(), attempt.wait());
        self.note(call.run_id(), |told| told.attempts.push(said));
    }

    fn stage_finished(&self, call: &StageCall<'_>, outcome: &Outcome<'_>, _: Duration) {
        let key = (call.stage().to_owned(), call.index());
        self.note(call.run_id(), |told| told.calls.entry(key).or_default().1.push(End::of(outcome)));
    }

    fn item_finished(&self, run: RunId, index: usize, outcome: &Outcome<'_>) {
        self.note(run, |told| told.items.entry(index).or_default().push(End::of(outcome)));
    }

    fn run_finished(&self, run: RunId, report: &Report) {
        assert_eq!(report.run_id(), run);
        self.note(run, |told| told.finished.push(report.clone()));
    }
}

#[stage]
pub(crate) async fn step(x: u64) -> Result<u64, Refused> {
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
