//! Random runs: pipelines of a few shapes, whose stages do by the value of an item what a seed says.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use pipeline::{Aborted, ErrorMode, Failure, Flow, Pipeline, Report, Stage, StageError, pipeline, stage};
use tokio_util::sync::CancellationToken;

use crate::support::{Refused, ms};

/// What a stage does with an item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Pass,
    Yield,
    Sleep(u64),
    Fail,
    Panic,
}

/// What all stages of a run share: what they are to do, and which calls there were.
#[derive(Debug, Clone)]
pub(crate) struct World {
    seed: u64,
    /// Of a thousand calls so many fail, and half as many panic.
    faults: u64,
    longest: u64,
    calls: Arc<Mutex<BTreeMap<(&'static str, u64), u64>>>,
}

impl World {
    pub(crate) fn fate(&self, stage: &'static str, id: u64) -> Fate {
        let mut rng = self.rng(stage, id);
        match rng.u64(..1000) {
            n if n < self.faults => Fate::Fail,
            n if n < self.faults * 3 / 2 => Fate::Panic,
            n if n < 600 => Fate::Pass,
            n if n < 800 => Fate::Yield,
            _ => Fate::Sleep(rng.u64(0..=self.longest)),
        }
    }

    fn rng(&self, stage: &'static str, id: u64) -> fastrand::Rng {
        let name = stage.bytes().fold(self.seed, |hash, byte| hash.wrapping_mul(31) ^ u64::from(byte));
        fastrand::Rng::with_seed(name.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ id)
    }

    /// Whether an item passes these stages.
    pub(crate) fn passes(&self, stages: &[&'static str], id: u64) -> bool {
        stages.iter().all(|stage| !matches!(self.fate(stage, id), Fate::Fail | Fate::Panic))
    }

    async fn act(&self, stage: &'static str, id: u64) -> Result<u64, Refused> {
        *self.calls.lock().unwrap().entry((stage, id)).or_default() += 1;
        match self.fate(stage, id) {
            Fate::Pass => {}
            Fate::Yield => tokio::task::yield_now().await,
            Fate::Sleep(time) => tokio::time::sleep(ms(time)).await,
            Fate::Fail => return Err(Refused(1)),
            Fate::Panic => panic!("so it was to be"),
        }
        Ok(id)
    }

    /// The items that a stage was called on, and how often.
    pub(crate) fn calls(&self, stage: &str) -> Vec<(u64, u64)> {
        let calls = self.calls.lock().unwrap();
        calls.iter().filter(|((name, _), _)| *name == stage).map(|((_, id), n)| (*id, *n)).collect()
    }
}

#[stage]
async fn first(x: u64, #[state] world: &World) -> Result<u64, Refused> {
    world.act("first", x).await
}

#[stage]
async fn second(x: u64, #[state] world: &World) -> Result<u64, Refused> {
    world.act("second", x).await
}

#[stage(retries = 1, delay = "1ms", retry_if = never, timeout = "1h")]
async fn third(x: u64, #[state] world: &World) -> Result<u64, Refused> {
    world.act("third", x).await
}

fn never(_: &Refused) -> bool {
    false
}

/// Gives up to three items, which come in the order of their numbers behind those of the items before.
#[stage]
async fn split(x: u64, #[state] world: &World) -> Result<Vec<u64>, Refused> {
    world.act("split", x).await?;
    let parts = world.rng("parts", x).u64(0..=3);
    Ok((0..parts).map(|part| x * 10 + part).collect())
}

#[stage]
async fn keep(x: u64, #[state] world: &World) -> Result<Option<u64>, Refused> {
    world.act("keep", x).await?;
    Ok((!x.is_multiple_of(3)).then_some(x))
}

#[stage]
async fn pack(xs: Vec<u64>, #[state] world: &World) -> Result<Vec<u64>, Refused> {
    world.act("pack", xs[0]).await?;
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
    pub(crate) faults: u64,
    pub(crate) longest: u64,
    /// When tokens are cancelled, in milliseconds.
    pub(crate) stops: Vec<u64>,
    pub(crate) seed: u64,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Came {
    pub(crate) report: Option<Report>,
    pub(crate) aborted: bool,
    /// The numbers of the items that came out, those of a batch one by one.
    pub(crate) numbers: Vec<u64>,
    /// How many came out, a batch as one.
    pub(crate) outputs: Option<usize>,
    pub(crate) failures: Option<usize>,
    pub(crate) results: Option<Vec<Result<u64, StageError>>>,
}

/// The numbers in an output.
pub(crate) trait Numbers: Send + 'static {
    fn numbers(self) -> Vec<u64>;
}

impl Numbers for u64 {
    fn numbers(self) -> Vec<u64> {
        vec![self]
    }
}

impl Numbers for Vec<u64> {
    fn numbers(self) -> Vec<u64> {
        self
    }
}

/// How many shapes there are.
pub(crate) const SHAPES: usize = 8;

/// The stages of a shape without boundary: these come first.
pub(crate) fn whole(shape: usize) -> Option<&'static [&'static str]> {
    match shape {
        0 => Some(&["first", "second", "third"]),
        1 => Some(&["first"]),
        2 => Some(&["first", "second"]),
        _ => None,
    }
}

impl Case {
    pub(crate) fn world(&self) -> World {
        World { seed: self.seed, faults: self.faults, longest: self.longest, calls: Arc::default() }
    }

    pub(crate) async fn run(&self, world: &World) -> Came {
        macro_rules! run {
            ($how:ident, $pipeline:expr) => {{
                let pipeline = self.set($pipeline.with(world.clone()));
                if self.workers > 1 {
                    self.$how(pipeline.workers(self.workers)).await
                } else {
                    self.$how(pipeline).await
                }
            }};
        }
        match self.shape {
            0 => run!(one_for_one, pipeline![first => second => third]),
            1 => run!(one_for_one, pipeline![first => |x| x]),
            2 => run!(one_for_one, pipeline![first => { pipeline![|x: u64| x => second] } => |x| x]),
            3 => run!(many, pipeline![split => each => first => second]),
            4 => run!(many, pipeline![first => batch(3) => pack]),
            5 => run!(many, pipeline![split => each => first => batch(4) => pack => each => second]),
            6 => run!(many, pipeline![keep => each => first]),
            7 => run!(many, pipeline![u64: batch(5) => pack => each => third => batch(2)]),
            shape => unreachable!("there is no shape {shape}"),
        }
    }

    fn set<F, M>(&self, pipeline: Pipeline<u64, F, World, M>) -> Pipeline<u64, F, World, M> {
        let mut pipeline = pipeline.concurrency(self.concurrency).on_error(self.mode);
        if !self.ordered {
            pipeline = pipeline.unordered();
        }
        for stop in self.stops.clone() {
            let token = CancellationToken::new();
            pipeline = pipeline.cancel_on(token.clone());
            tokio::spawn(async move {
                tokio::time::sleep(ms(stop)).await;
                token.cancel();
            });
        }
        pipeline
    }

    async fn one_for_one<F>(&self, pipeline: Pipeline<u64, F, World>) -> Came
    where
        F: Stage<u64, World, Out = u64> + 'static,
    {
        if self.verb != Verb::Settle {
            return self.many(pipeline).await;
        }
        let results = pipeline.settle(0..self.items).await;
        let numbers = results.iter().filter_map(|result| result.as_ref().ok().copied()).collect();
        Came { results: Some(results), numbers, ..Came::default() }
    }

    async fn many<F, M>(&self, pipeline: Pipeline<u64, F, World, M>) -> Came
    where
        F: Flow<u64, World, M, Out: Numbers> + 'static,
        M: 'static,
    {
        let mut came = Came::default();
        let aborted = |aborted: Aborted| (Some(aborted.report), true);
        match self.verb {
            Verb::Drain => {
                let report = pipeline.drain(0..self.items).await;
                (came.report, came.aborted) = report.map_or_else(aborted, |report| (Some(report), false));
            }
            Verb::Collect | Verb::Settle => match pipeline.collect(0..self.items).await {
                Ok(outputs) => {
                    came.outputs = Some(outputs.len());
                    came.numbers = outputs.into_iter().flat_map(Numbers::numbers).collect();
                }
                Err(error) => (came.report, came.aborted) = aborted(error),
            },
            Verb::Stream => {
                let mut stream = pipeline.stream(0..self.items);
                let (mut outputs, mut failures) = (0, Vec::<Failure>::new());
                while let Some(result) = stream.next().await {
                    match result {
                        Ok(output) => {
                            outputs += 1;
                            came.numbers.extend(output.numbers());
                        }
                        Err(failure) => failures.push(failure),
                    }
                }
                came.outputs = Some(outputs);
                came.failures = Some(failures.len());
                came.report = Some(stream.report().await);
            }
        }
        came
    }
}
