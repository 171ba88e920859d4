//! Random runs through forks. A seed and the value of the item decide whether a stage passes, fails or panics; the
//! stage counts its calls.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use pipeline::traits::RunMany;
use pipeline::{Context, ErrorMode, Pipeline, Report, pipeline, stage};
use tokio_util::sync::CancellationToken;

use crate::support::{Refused, ms};

/// What a stage does with an item, immediately or after some time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Pass,
    Fail,
    Panic,
}

/// The calls that a stage counted itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) started: usize,
    pub(super) succeeded: usize,
    pub(super) failed: usize,
}

/// Shared by all stages of a run: decides what each call does, and counts the calls.
#[derive(Debug, Clone)]
pub(super) struct SeededActions {
    pub(super) seed: u64,
    /// How many of 1000 calls fail.
    pub(super) failures: u64,
    /// How many of 1000 calls panic.
    pub(super) panics: u64,
    pub(super) max_sleep_ms: u64,
    pub(super) counts: Arc<Mutex<BTreeMap<&'static str, Count>>>,
}

impl SeededActions {
    fn rng(&self, stage: &str, id: u64) -> fastrand::Rng {
        let name = stage.bytes().fold(self.seed, |hash, byte| hash.wrapping_mul(31) ^ u64::from(byte));
        fastrand::Rng::with_seed(name.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ id)
    }

    pub(super) fn action(&self, stage: &str, id: u64) -> Action {
        match self.rng(stage, id).u64(..1000) {
            n if n < self.failures => Action::Fail,
            n if n < self.failures + self.panics => Action::Panic,
            _ => Action::Pass,
        }
    }

    fn count(&self, stage: &'static str, count: impl FnOnce(&mut Count)) {
        count(self.counts.lock().unwrap().entry(stage).or_default());
    }

    pub(super) fn counted(&self, stage: &str) -> Count {
        self.counts.lock().unwrap().get(stage).copied().unwrap_or_default()
    }

    /// A call of a stage whose last attempt has the number `last`.
    async fn perform(&self, stage: &'static str, id: u64, cx: &Context, last: u32) -> Result<u64, Refused> {
        if cx.attempt() == 1 {
            self.count(stage, |count| count.started += 1);
        }
        let mut rng = self.rng(stage, id ^ (u64::from(cx.attempt()) << 32));
        match rng.u64(..4) {
            0 => tokio::task::yield_now().await,
            1 if self.max_sleep_ms > 0 => tokio::time::sleep(ms(rng.u64(..=self.max_sleep_ms))).await,
            _ => {}
        }
        match self.action(stage, id) {
            // A retried call may pass at its last attempt.
            Action::Fail if cx.attempt() < last => Err(Refused(1)),
            Action::Fail if last > 1 && rng.bool() => Ok(self.succeeded(stage, id)),
            Action::Fail => {
                self.count(stage, |count| count.failed += 1);
                Err(Refused(1))
            }
            Action::Panic => {
                self.count(stage, |count| count.failed += 1);
                panic!("scripted panic");
            }
            Action::Pass => Ok(self.succeeded(stage, id)),
        }
    }

    fn succeeded(&self, stage: &'static str, id: u64) -> u64 {
        self.count(stage, |count| count.succeeded += 1);
        id
    }

    /// A synchronous call, which can panic but not fail.
    fn perform_sync(&self, stage: &'static str, id: u64) -> u64 {
        self.count(stage, |count| count.started += 1);
        if self.action(stage, id) == Action::Panic {
            self.count(stage, |count| count.failed += 1);
            panic!("scripted panic");
        }
        self.succeeded(stage, id)
    }
}

/// Stages that perform their seeded action and return their input.
macro_rules! stages {
    ($($name:ident($ty:ty))*) => {$(
        #[stage]
        async fn $name(x: $ty, #[state] actions: &SeededActions, #[context] cx: &Context) -> Result<u64, Refused> {
            actions.perform(stringify!($name), x.to_owned(), cx, 1).await
        }
    )*};
}

stages! {
    start(u64) end(u64)
    a(&u64) b(u64) c(u64) d(&u64) e(u64) f(&u64) g(u64) h(&u64)
    low(u64) mid(&u64) high(u64)
}

#[stage(retries = 2, delay = "3ms", timeout = "1h")]
async fn again(x: &u64, #[state] actions: &SeededActions, #[context] cx: &Context) -> Result<u64, Refused> {
    actions.perform("again", *x, cx, 3).await
}

#[stage(concurrency = 2)]
async fn narrow(x: u64, #[state] actions: &SeededActions, #[context] cx: &Context) -> Result<u64, Refused> {
    actions.perform("narrow", x, cx, 1).await
}

#[stage]
async fn both(
    x: &u64,
    y: u64,
    #[state] actions: &SeededActions,
    #[context] cx: &Context,
) -> Result<u64, Refused> {
    assert_eq!(*x, y, "both inputs come from one item");
    actions.perform("both", y, cx, 1).await
}

#[stage]
async fn split(
    x: u64,
    #[state] actions: &SeededActions,
    #[context] cx: &Context,
) -> Result<Vec<u64>, Refused> {
    actions.perform("split", x, cx, 1).await?;
    Ok((0..x % 4).map(|part| x * 10 + part).collect())
}

#[stage]
async fn pack(xs: &[u64], #[state] actions: &SeededActions, #[context] cx: &Context) -> Result<u64, Refused> {
    actions.perform("pack", xs[0], cx, 1).await
}

fn same((x, y): (u64, u64)) -> u64 {
    assert_eq!(x, y);
    x
}

/// The guard of a route. It is not a stage, so it does not count its calls.
fn is_third(x: u64) -> bool {
    assert!(x != 37, "37 has no route");
    x.is_multiple_of(3)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Drain,
    Collect,
    Stream,
}

#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) shape: usize,
    pub(super) verb: Verb,
    pub(super) mode: ErrorMode,
    pub(super) items: u64,
    pub(super) concurrency: usize,
    pub(super) workers: usize,
    pub(super) ordered: bool,
    pub(super) observed: bool,
    pub(super) failures: u64,
    pub(super) panics: u64,
    pub(super) max_sleep_ms: u64,
    pub(super) cancel_at_ms: Vec<u64>,
    pub(super) seed: u64,
}

pub(super) const SHAPES: usize = 7;

/// The report of a run, and its outputs if the verb returns them.
pub(super) struct RunOutcome {
    pub(super) report: Option<Report>,
    pub(super) outputs: Option<Vec<u64>>,
    /// The steps of the report in source order, by the name under which they count their calls; `_` if they do not
    /// count.
    pub(super) steps: &'static [&'static str],
}

struct NoopObserver;

impl pipeline::Observer for NoopObserver {}

impl Case {
    pub(super) fn actions(&self) -> SeededActions {
        let Self { seed, failures, panics, max_sleep_ms, .. } = *self;
        SeededActions { seed, failures, panics, max_sleep_ms, counts: Arc::default() }
    }

    pub(super) async fn run(&self, actions: &SeededActions) -> RunOutcome {
        macro_rules! run {
            ($pipeline:expr, [$($step:tt)*]) => {{
                let pipeline = self.set($pipeline.with(actions.clone()));
                let (report, outputs) = if self.workers > 1 {
                    self.take(pipeline.workers(self.workers)).await
                } else {
                    self.take(pipeline).await
                };
                RunOutcome { report, outputs, steps: &[$(stringify!($step)),*] }
            }};
        }
        let (one, two) = (actions.clone(), actions.clone());
        match self.shape {
            // All kinds of forks, one after another.
            0 => run!(
                pipeline![
                    start
                        => (a => b, d) => both
                        => (c => d.name("d2") | again | h)
                        => match {
                            x if is_third(x) => x => low,
                            x if x % 3 == 1 => x => mid => e,
                            x => x => |x| x => high,
                        }
                        => (|x: u64| {
                            let one = f(x);
                            let other = g(x);
                            both.name("both2")(one, other)
                        })
                        => end
                ],
                [start a b d both c d2 again h choice low mid e _ high f g both2 end]
            ),
            // The fork is the first step, and contains forks of all kinds.
            1 => run!(
                pipeline![(
                    (a, (b | c)) => both
                    | match {
                        x if is_third(x) => x => (low, |x: u64| {
                            let one = f(x);
                            let other = g(one);
                            other
                        }) => both.name("both2"),
                        x => x => mid,
                    }
                    | again => narrow
                )],
                [a b c both choice low f g both2 mid again narrow]
            ),
            // A graph that is not series-parallel, with a nested pipeline, an ignored result and an expression.
            2 => run!(
                pipeline!(|x: u64| {
                    let one = a(x);
                    let other = b(x);
                    let three = {pipeline![(c | d) => again]}(one);
                    let four = both(one, other);
                    narrow(x + 0);
                    let five = both.name("both2")(three, four);
                    e(five)
                }),
                [a b c d again both narrow both2 e]
            ),
            // Nested pipelines, one of them with its own state.
            3 => run!(
                pipeline![
                    start
                        => { pipeline![(a, { pipeline![u64: (b | c) => move |x| one.perform_sync("closure", x)] }) => both] }
                        => { pipeline![u64: (d, e) => same_as_stage].with(two) }
                        => (f, inspect(|_| ()) => |x| x) => |(x, y)| same((x, y))
                        => end
                ],
                [start a b c closure both d e same_as_stage f _ _ _ end]
            ),
            // Forks between boundaries.
            4 => run!(
                pipeline![
                    split => each => (a, b => c) => both => batch(3) => (pack | pack.name("pack2")) => again
                ],
                [split _ a b c both _ pack pack2 again]
            ),
            // Stages in a boxed pipeline are reported, too.
            5 => run!(
                pipeline![u64: ({ pipeline![(a | b)].with(one).boxed() }, { pipeline![(c, d) => both].with(two) }) => |(x, y)| same((x, y))],
                [a b c d both _]
            ),
            // Forks nested three levels deep.
            6 => run!(
                pipeline![(
                    ((a | b), |x| x) => both,
                    match { x => x => ((c | narrow), d) => |(x, y)| same((x, y)) },
                    (e => (f, |x| x) => (|(x, y)| same((x, y))) | match { x => x => (g | h) })
                ) => |(x, y, z)| same((same((x, y)), z))],
                [a b _ both _ c narrow d _ e f _ _ _ g h _]
            ),
            shape => unreachable!("there is no shape {shape}"),
        }
    }

    fn set<F, M>(&self, pipeline: Pipeline<u64, F, SeededActions, M>) -> Pipeline<u64, F, SeededActions, M> {
        let mut pipeline = pipeline.concurrency(self.concurrency).on_error(self.mode);
        if !self.ordered {
            pipeline = pipeline.unordered();
        }
        if self.observed {
            pipeline = pipeline.observe(NoopObserver);
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

    async fn take<F, M>(
        &self,
        pipeline: Pipeline<u64, F, SeededActions, M>,
    ) -> (Option<Report>, Option<Vec<u64>>)
    where
        F: RunMany<u64, SeededActions, M, Out = u64> + 'static,
        M: 'static,
    {
        match self.verb {
            Verb::Drain => {
                let report = pipeline.drain(0..self.items).await.unwrap_or_else(|aborted| aborted.report);
                (Some(report), None)
            }
            Verb::Collect => match pipeline.collect(0..self.items).await {
                Ok(outputs) => (None, Some(outputs)),
                Err(aborted) => (Some(aborted.report), None),
            },
            Verb::Stream => {
                let mut stream = pipeline.stream(0..self.items);
                let mut outputs = Vec::new();
                while let Some(result) = stream.next().await {
                    outputs.extend(result.ok());
                }
                (Some(stream.report().await), Some(outputs))
            }
        }
    }
}

/// A stage with two parameters, used in a nested pipeline.
#[stage]
async fn same_as_stage(
    x: u64,
    y: u64,
    #[state] actions: &SeededActions,
    #[context] cx: &Context,
) -> Result<u64, Refused> {
    assert_eq!(x, y);
    actions.perform("same_as_stage", x, cx, 1).await
}
