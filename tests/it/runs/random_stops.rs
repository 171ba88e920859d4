//! Random runs that do not simply end: slow readers, permits, rates, retries, destructors and clones that panic, and runs that
//! are cancelled, dropped or lose their runtime. Each source item is over exactly once, and nothing is left.

use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pipeline::traits::RunMany;
use pipeline::{
    Aborted, CancellationToken, ErrorMode, Observer, Outcome, Pipeline, Report, RunId, Stopped, pipeline,
    stage,
};
use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use tokio::runtime::{Builder, Runtime};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{Gauge, Refused, ms};

/// How many calls of `rated` may start in any second.
const RATE: usize = 200;

/// What the stages of a run share.
#[derive(Default)]
struct World {
    seed: u64,
    /// How many of 1000 calls fail; as many panic, hang, and have a guard that panics.
    faults_per_mille: u64,
    permits: Gauge,
    rated: Mutex<Vec<Instant>>,
    guards: AtomicUsize,
    attempts: AtomicUsize,
}

/// Panics when it is dropped before the end of its call, if it is made so.
struct Guard<'w> {
    world: &'w World,
    panics: bool,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        self.world.guards.fetch_sub(1, Ordering::Relaxed);
        assert!(!self.panics || std::thread::panicking(), "the guard of a call");
    }
}

impl World {
    fn rng(&self, stage: u64, call: u64) -> fastrand::Rng {
        fastrand::Rng::with_seed(
            self.seed ^ stage.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ call.wrapping_mul(0xff51_afd7),
        )
    }

    /// Passes, waits, fails or panics.
    async fn act(&self, stage: u64, call: u64) -> Result<(), Refused> {
        let mut rng = self.rng(stage, call);
        self.guards.fetch_add(1, Ordering::Relaxed);
        let mut guard = Guard { world: self, panics: rng.u64(..1000) < self.faults_per_mille };
        let faults = self.faults_per_mille;
        match rng.u64(..1000) {
            n if n < faults => {
                return {
                    guard.panics = false;
                    Err(Refused(1))
                };
            }
            n if n < 2 * faults => panic!("scripted panic"),
            n if n < 3 * faults => sleep(ms(200)).await,
            n if n < 500 => {}
            n if n < 750 => tokio::task::yield_now().await,
            _ => sleep(ms(rng.u64(..=5))).await,
        }
        guard.panics = false;
        Ok(())
    }
}

/// A source item. Some panic when they are copied for a dead letter.
#[derive(Debug)]
struct Item {
    id: u64,
    clone_panics: bool,
}

impl Clone for Item {
    fn clone(&self) -> Self {
        assert!(!self.clone_panics, "scripted panic of a clone");
        Self { ..*self }
    }
}

#[stage(concurrency = 3)]
async fn admit(item: Item, #[state] world: &Arc<World>) -> Result<u64, Refused> {
    let _inside = world.permits.enter();
    world.act(1, item.id).await?;
    Ok(item.id)
}

#[stage(rate = "200/s")]
async fn rated(x: u64, #[state] world: &Arc<World>) -> Result<u64, Refused> {
    world.rated.lock().unwrap().push(Instant::now());
    world.act(2, x).await?;
    Ok(x)
}

#[stage(retries = 2, delay = "3ms", jitter, timeout = "20ms")]
async fn retried(x: u64, #[state] world: &Arc<World>) -> Result<u64, Refused> {
    let attempt = world.attempts.fetch_add(1, Ordering::Relaxed) as u64;
    world.act(3, x ^ (attempt << 20)).await?;
    Ok(x)
}

#[stage]
fn split(x: u64) -> Vec<u64> {
    (0..x % 4).map(|part| x * 4 + part).collect()
}

#[stage]
async fn sum(rows: Vec<u64>, #[state] world: &Arc<World>) -> Result<u64, Refused> {
    world.act(4, rows[0]).await?;
    Ok(rows.len() as u64)
}

#[stage]
fn first((one, _): (u64, u64)) -> u64 {
    one
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Drain,
    Collect,
    /// With a reader that takes so long for each output, in milliseconds.
    Stream(u64),
}

/// What happens to the run, and after how many milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stop {
    Never,
    Cancel(u64),
    CancelTwice(u64, u64),
    Drop(u64),
    /// Only in `stream`.
    Runtime(u64),
}

#[derive(Debug, Clone)]
struct Case {
    shape: usize,
    verb: Verb,
    stop: Stop,
    mode: ErrorMode,
    items: u64,
    concurrency: usize,
    workers: usize,
    ordered: bool,
    dead_letters: bool,
    faults_per_mille: u64,
    seed: u64,
}

prop_compose! {
    fn cases()(
        shape in 0_usize..5,
        verb in prop_oneof![Just(Verb::Drain), Just(Verb::Collect), (0_u64..12).prop_map(Verb::Stream)],
        stop in prop_oneof![
            Just(Stop::Never),
            (0_u64..300).prop_map(Stop::Cancel),
            (0_u64..200, 0_u64..200).prop_map(|(soft, then)| Stop::CancelTwice(soft, soft + then)),
            (0_u64..300).prop_map(Stop::Drop),
            (0_u64..300).prop_map(Stop::Runtime),
        ],
        mode in prop_oneof![Just(ErrorMode::Strict), Just(ErrorMode::Lenient), Just(ErrorMode::Collect)],
        items in prop_oneof![0_u64..6, 6_u64..60, 60_u64..300],
        (concurrency, workers, ordered, dead_letters) in (1_usize..=40, 1_usize..=3, any::<bool>(), any::<bool>()),
        faults_per_mille in prop_oneof![Just(0_u64), Just(10), Just(60)],
        seed in any::<u64>(),
    ) -> Case {
        let verb = if matches!(stop, Stop::Runtime(_)) { Verb::Stream(1) } else { verb };
        Case { shape, verb, stop, mode, items, concurrency, workers, ordered, dead_letters, faults_per_mille, seed }
    }
}

/// What the observer was told, and how many items were read.
#[derive(Default)]
struct Told {
    finished: Mutex<Vec<usize>>,
    runs: AtomicUsize,
    read: AtomicUsize,
}

impl Observer for Told {
    fn item_finished(&self, _: RunId, index: usize, _: &Outcome) {
        self.finished.lock().unwrap().push(index);
    }

    fn run_finished(&self, _: RunId, _: &Report) {
        self.runs.fetch_add(1, Ordering::Relaxed);
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}

/// The end of something that must not hang. The clock is paused: a run that hangs lets it jump there.
async fn at_last<F: Future>(future: F) -> F::Output {
    timeout(Duration::from_secs(24 * 3600), future).await.expect("the run hangs")
}

impl Case {
    fn check(&self) {
        let world = World { seed: self.seed, faults_per_mille: self.faults_per_mille, ..World::default() };
        let (world, told) = (Arc::new(world), Arc::new(Told::default()));
        macro_rules! run {
            ($pipeline:expr) => {{
                let pipeline =
                    $pipeline.with(Arc::clone(&world)).concurrency(self.concurrency).on_error(self.mode);
                let pipeline = self.set(pipeline, &told);
                if self.workers > 1 {
                    self.run(pipeline.workers(self.workers), &told)
                } else {
                    self.run(pipeline, &told)
                }
            }};
        }
        let report = match self.shape {
            0 => run!(pipeline![admit => retried => rated]),
            1 => run!(pipeline![admit => (retried, rated) => first]),
            2 => run!(pipeline![admit => rated => split => each => retried]),
            3 => run!(pipeline![admit => batch(4, "5ms") => sum]),
            4 => run!(pipeline![admit => split => each => retried => batch(3) => sum]),
            shape => unreachable!("there is no shape {shape}"),
        };
        assert_eq!(world.guards.load(Ordering::Relaxed), 0, "all calls are over");
        assert_eq!(world.permits.now(), 0, "all permits are back");
        assert!(world.permits.most() <= 3, "{} calls of a stage that allows 3", world.permits.most());
        let mut rated = world.rated.lock().unwrap().clone();
        rated.sort_unstable();
        for window in rated.windows(RATE + 1) {
            assert!(window[RATE] - window[0] >= Duration::from_secs(1), "more than {RATE} calls in a second");
        }
        let mut finished = told.finished.lock().unwrap().clone();
        finished.sort_unstable();
        let read = told.read.load(Ordering::Relaxed);
        assert_eq!(finished, (0..read).collect::<Vec<_>>(), "each item that was read is over once");
        let Some(report) = report else { return };
        self.check_report(&report, read);
    }

    fn set<F, M>(
        &self,
        mut pipeline: Pipeline<Item, F, Arc<World>, M>,
        told: &Arc<Told>,
    ) -> Pipeline<Item, F, Arc<World>, M> {
        if !self.ordered {
            pipeline = pipeline.unordered();
        }
        if self.dead_letters {
            pipeline = pipeline.dead_letters(Arc::new(Mutex::new(Vec::new()))).dead_letters_of_cancelled();
        }
        pipeline.observe(Arc::clone(told)).seed(self.seed)
    }

    fn source(&self, told: &Arc<Told>) -> impl Iterator<Item = Item> + Send + 'static {
        let (told, seed) = (Arc::clone(told), self.seed);
        (0..self.items).map(move |id| {
            told.read.fetch_add(1, Ordering::Relaxed);
            Item { id, clone_panics: (id ^ seed).is_multiple_of(41) }
        })
    }

    /// Runs it. There is a report, unless `collect` succeeded or the run was dropped.
    fn run<F, M>(&self, mut pipeline: Pipeline<Item, F, Arc<World>, M>, told: &Arc<Told>) -> Option<Report>
    where
        F: RunMany<Item, Arc<World>, M, Out: Send + 'static> + 'static,
        M: 'static,
    {
        let runtime = runtime();
        if let Stop::Runtime(after) = self.stop {
            let mut outputs = runtime.block_on(async {
                let mut outputs = pipeline.stream(self.source(told));
                let _ = timeout(ms(after), async { while outputs.next().await.is_some() {} }).await;
                outputs
            });
            drop(runtime);
            return Some(self::runtime().block_on(at_last(async {
                while outputs.next().await.is_some() {}
                outputs.report().await
            })));
        }
        let report = runtime.block_on(async {
            let cancellations = match self.stop {
                Stop::Cancel(at) => vec![at],
                Stop::CancelTwice(first, second) => vec![first, second],
                _ => Vec::new(),
            };
            for at in cancellations {
                let token = CancellationToken::new();
                pipeline = pipeline.clone().cancel_on(token.clone());
                tokio::spawn(async move {
                    sleep(ms(at)).await;
                    token.cancel();
                });
            }
            let run = self.run_verb(&pipeline, told);
            let report = match self.stop {
                Stop::Drop(after) => timeout(ms(after), run).await.ok().flatten(),
                _ => at_last(run).await,
            };
            // The tasks of a run that was dropped are aborted, which takes a moment.
            sleep(ms(1)).await;
            report
        });
        drop(runtime);
        report
    }

    async fn run_verb<F, M>(
        &self,
        pipeline: &Pipeline<Item, F, Arc<World>, M>,
        told: &Arc<Told>,
    ) -> Option<Report>
    where
        F: RunMany<Item, Arc<World>, M, Out: Send + 'static> + 'static,
        M: 'static,
    {
        let aborted = |Aborted { report, .. }: Aborted| report;
        match self.verb {
            Verb::Drain => Some(pipeline.drain(self.source(told)).await.unwrap_or_else(aborted)),
            Verb::Collect => pipeline.collect(self.source(told)).await.err().map(aborted),
            Verb::Stream(delay) => {
                let mut outputs = pipeline.stream(self.source(told));
                while outputs.next().await.is_some() {
                    sleep(ms(delay)).await;
                }
                Some(outputs.report().await)
            }
        }
    }

    fn check_report(&self, report: &Report, read: usize) {
        assert_eq!(report.items_in(), read, "each item that was read is counted");
        if self.shape < 2 {
            let over = report.items_out() + report.items_failed() + report.items_cancelled();
            assert_eq!(read, over, "the items add up");
        }
        // What worker tasks counted is lost when their runtime drops them.
        let is_counted = |stage: &&pipeline::StageReport| {
            !stage.is_boundary() && (self.workers == 1 || report.stopped() != Some(Stopped::RuntimeShutDown))
        };
        for stage in report.stages().iter().filter(is_counted) {
            assert_eq!(
                stage.calls(),
                stage.outputs() + stage.failed() + stage.cancelled(),
                "{} adds up",
                stage.name()
            );
        }
        match self.stop {
            Stop::Never => assert!(report.stopped().is_none_or(|stopped| stopped == Stopped::AtFailure)),
            Stop::Runtime(_) if report.stopped().is_none() => assert_eq!(read as u64, self.items),
            _ => {}
        }
        if report.stopped().is_none() {
            assert_eq!((read as u64, report.items_cancelled()), (self.items, 0), "nothing was left out");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 400,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(11),
        ..ProptestConfig::default()
    })]

    #[test]
    fn each_item_is_over_once_however_the_run_ends(case in cases()) {
        case.check();
    }
}
