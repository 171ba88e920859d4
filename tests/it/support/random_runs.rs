//! Random runs: pipelines of several shapes. A seed and the value of the item decide what a stage does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use pipeline::traits::RunMany;
use pipeline::{Aborted, ErrorMode, Failure, OneToOne, Pipeline, Report, StageError, pipeline, stage};
use tokio_util::sync::CancellationToken;

use crate::support::{Refused, ms};

/// What a stage does with an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Action {
    Pass,
    Yield,
    Sleep(u64),
    Fail,
    Panic,
}

/// Shared by all stages of a run: decides what each call does, and counts the calls.
#[derive(Debug, Clone)]
pub(crate) struct SeededActions {
    seed: u64,
    /// How many of 1000 calls fail; half as many panic.
    faults_per_mille: u64,
    max_sleep_ms: u64,
    calls: Arc<Mutex<BTreeMap<(&'static str, u64), u64>>>,
}

impl SeededActions {
    pub(crate) fn action(&self, stage: &'static str, id: u64) -> Action {
        let mut rng = self.rng(stage, id);
        match rng.u64(..1000) {
            n if n < self.faults_per_mille => Action::Fail,
            n if n < self.faults_per_mille * 3 / 2 => Action::Panic,
            n if n < 600 => Action::Pass,
            n if n < 800 => Action::Yield,
            _ => Action::Sleep(rng.u64(0..=self.max_sleep_ms)),
        }
    }

    fn rng(&self, stage: &'static str, id: u64) -> fastrand::Rng {
        let name = stage.bytes().fold(self.seed, |hash, byte| hash.wrapping_mul(31) ^ u64::from(byte));
        fastrand::Rng::with_seed(name.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ id)
    }

    /// Whether an item passes these stages.
    pub(crate) fn passes(&self, stages: &[&'static str], id: u64) -> bool {
        stages.iter().all(|stage| !matches!(self.action(stage, id), Action::Fail | Action::Panic))
    }

    async fn perform(&self, stage: &'static str, id: u64) -> Result<u64, Refused> {
        *self.calls.lock().unwrap().entry((stage, id)).or_default() += 1;
        match self.action(stage, id) {
            Action::Pass => {}
            Action::Yield => tokio::task::yield_now().await,
            Action::Sleep(time) => tokio::time::sleep(ms(time)).await,
            Action::Fail => return Err(Refused(1)),
            Action::Panic => panic!("scripted panic"),
        }
        Ok(id)
    }

    /// The items that a stage was called with, and how often.
    pub(crate) fn calls(&self, stage: &str) -> Vec<(u64, u64)> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|((name, _), _)| *name == stage).map(|((_, id), n)| (*id, *n)).collect()
    }
}

#[stage]
async fn first(x: u64, #[state] actions: &SeededActions) -> Result<u64, Refused> {
    actions.perform("first", x).await
}

#[stage]
async fn second(x: u64, #[state] actions: &SeededActions) -> Result<u64, Refused> {
    actions.perform("second", x).await
}

#[stage(retries = 1, delay = "1ms", retry_if = never, timeout = "1h")]
async fn third(x: u64, #[state] actions: &SeededActions) -> Result<u64, Refused> {
    actions.perform("third", x).await
}

fn never(_: &Refused) -> bool {
    false
}

/// Returns up to three items, whose ids increase from item to item.
#[stage]
async fn split(x: u64, #[state] actions: &SeededActions) -> Result<Vec<u64>, Refused> {
    actions.perform("split", x).await?;
    let parts = actions.rng("parts", x).u64(0..=3);
    Ok((0..parts).map(|part| x * 10 + part).collect())
}

#[stage]
async fn keep(x: u64, #[state] actions: &SeededActions) -> Result<Option<u64>, Refused> {
    actions.perform("keep", x).await?;
    Ok((!x.is_multiple_of(3)).then_some(x))
}

#[stage]
async fn pack(xs: Vec<u64>, #[state] actions: &SeededActions) -> Result<Vec<u64>, Refused> {
    actions.perform("pack", xs[0]).await?;
    Ok(xs)
}

/// The verbs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Drain,
    Collect,
    Stream,
    Settle,
}

/// One random run.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) shape: usize,
    pub(crate) verb: Verb,
    pub(crate) mode: ErrorMode,
    pub(crate) items: u64,
    pub(crate) concurrency: usize,
    pub(crate) workers: usize,
    pub(crate) ordered: bool,
    pub(crate) faults_per_mille: u64,
    pub(crate) max_sleep_ms: u64,
    /// The times at which tokens are cancelled, in milliseconds.
    pub(crate) cancel_at_ms: Vec<u64>,
    pub(crate) seed: u64,
}

/// What a run returned.
#[derive(Debug, Default)]
pub(crate) struct RunOutcome {
    pub(crate) report: Option<Report>,
    pub(crate) aborted: bool,
    /// The ids of the outputs; a batch counts as its items.
    pub(crate) ids: Vec<u64>,
    /// The number of outputs; a batch counts as one.
    pub(crate) outputs: Option<usize>,
    pub(crate) failures: Option<usize>,
    pub(crate) results: Option<Vec<Result<u64, StageError>>>,
}

/// The ids in an output.
pub(crate) trait ItemIds: Send + 'static {
    fn ids(self) -> Vec<u64>;
}

impl ItemIds for u64 {
    fn ids(self) -> Vec<u64> {
        vec![self]
    }
}

impl ItemIds for Vec<u64> {
    fn ids(self) -> Vec<u64> {
        self
    }
}

/// The number of shapes.
pub(crate) const SHAPES: usize = 8;

/// The shape `first => batch(3) => pack`.
pub(crate) const BATCHES: usize = 4;

/// The stages of a shape without boundaries.
pub(crate) fn stages_without_boundary(shape: usize) -> Option<&'static [&'static str]> {
    match shape {
        0 => Some(&["first", "second", "third"]),
        1 => Some(&["first"]),
        2 => Some(&["first", "second"]),
        _ => None,
    }
}

impl Case {
    pub(crate) fn actions(&self) -> SeededActions {
        SeededActions {
            seed: self.seed,
            faults_per_mille: self.faults_per_mille,
            max_sleep_ms: self.max_sleep_ms,
            calls: Arc::default(),
        }
    }

    pub(crate) async fn run(&self, actions: &SeededActions) -> RunOutcome {
        macro_rules! run {
            ($run:ident, $pipeline:expr) => {{
                let pipeline = self.set($pipeline.with(actions.clone()));
                if self.workers > 1 {
                    self.$run(pipeline.workers(self.workers)).await
                } else {
                    self.$run(pipeline).await
                }
            }};
        }
        match self.shape {
            0 => run!(run_one_to_one, pipeline![first => second => third]),
            1 => run!(run_one_to_one, pipeline![first => |x| x]),
            2 => run!(run_one_to_one, pipeline![first => { pipeline![|x: u64| x => second] } => |x| x]),
            3 => run!(run_verb, pipeline![split => each => first => second]),
            BATCHES => run!(run_verb, pipeline![first => batch(3) => pack]),
            5 => run!(run_verb, pipeline![split => each => first => batch(4) => pack => each => second]),
            6 => run!(run_verb, pipeline![keep => each => first]),
            7 => run!(run_verb, pipeline![u64: batch(5) => pack => each => third => batch(2)]),
            shape => unreachable!("there is no shape {shape}"),
        }
    }

    fn set<F, M>(&self, pipeline: Pipeline<u64, F, SeededActions, M>) -> Pipeline<u64, F, SeededActions, M> {
        let mut pipeline = pipeline.concurrency(self.concurrency).on_error(self.mode);
        if !self.ordered {
            pipeline = pipeline.unordered();
        }
        for at_ms in self.cancel_at_ms.clone() {
            let token = CancellationToken::new();
            pipeline = pipeline.cancel_on(token.clone());
            tokio::spawn(async move {
                tokio::time::sleep(ms(at_ms)).await;
                token.cancel();
            });
        }
        pipeline
    }

    async fn run_one_to_one<F, X>(&self, pipeline: Pipeline<u64, F, SeededActions, OneToOne<X>>) -> RunOutcome
    where
        F: RunMany<u64, SeededActions, OneToOne<X>, Out = u64> + 'static,
        X: 'static,
    {
        if self.verb != Verb::Settle {
            return self.run_verb(pipeline).await;
        }
        let results = pipeline.settle(0..self.items).await;
        let ids = results.iter().filter_map(|result| result.as_ref().ok().copied()).collect();
        RunOutcome { results: Some(results), ids, ..RunOutcome::default() }
    }

    async fn run_verb<F, M>(&self, pipeline: Pipeline<u64, F, SeededActions, M>) -> RunOutcome
    where
        F: RunMany<u64, SeededActions, M, Out: ItemIds> + 'static,
        M: 'static,
    {
        let mut outcome = RunOutcome::default();
        let aborted = |aborted: Aborted| (Some(aborted.report), true);
        match self.verb {
            Verb::Drain => {
                let report = pipeline.drain(0..self.items).await;
                (outcome.report, outcome.aborted) =
                    report.map_or_else(aborted, |report| (Some(report), false));
            }
            Verb::Collect | Verb::Settle => match pipeline.collect(0..self.items).await {
                Ok(outputs) => {
                    outcome.outputs = Some(outputs.len());
                    outcome.ids = outputs.into_iter().flat_map(ItemIds::ids).collect();
                }
                Err(error) => (outcome.report, outcome.aborted) = aborted(error),
            },
            Verb::Stream => {
                let mut stream = pipeline.stream(0..self.items);
                let (mut outputs, mut failures) = (0, Vec::<Failure>::new());
                while let Some(result) = stream.next().await {
                    match result {
                        Ok(output) => {
                            outputs += 1;
                            outcome.ids.extend(output.ids());
                        }
                        Err(failure) => failures.push(failure),
                    }
                }
                outcome.outputs = Some(outputs);
                outcome.failures = Some(failures.len());
                outcome.report = Some(stream.report().await);
            }
        }
        outcome
    }
}
