//! What all items of a run share.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::time::Instant;

use super::observer::Observer;
use super::observer::catch_observer_panic;
use super::settings::RunSettings;
use crate::error::step_id::StepId;
use crate::report::metrics::Counter;
use crate::report::metrics::StageMetrics;
use crate::report::run_id::RunId;
use crate::stage::plan::Plan;

/// A run: one call of a verb of a pipeline, as one worker sees it.
pub(crate) struct Run<'a> {
    /// 0 until somebody asks: most runs of one item never need a number of their own.
    id: AtomicU64,
    settings: &'a RunSettings,
    /// What a run of many counts.
    counters: Option<&'a RunCounters>,
}

/// What one worker counts of a run.
pub(crate) struct RunCounters {
    /// One a step.
    metrics: Box<[StageMetrics]>,
    started: Instant,
    /// The time since the start, in nanoseconds, as of the last look at the clock.
    clock: AtomicU64,
    observer_panics: Counter,
}

impl RunCounters {
    pub(crate) fn new(plan: &Plan) -> Self {
        Self {
            metrics: plan.steps().iter().map(|_| StageMetrics::default()).collect(),
            started: Instant::now(),
            clock: AtomicU64::new(0),
            observer_panics: Counter::default(),
        }
    }

    pub(crate) fn metrics(&self) -> &[StageMetrics] {
        &self.metrics
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn observer_panics(&self) -> u64 {
        self.observer_panics.get()
    }
}

impl<'a> Run<'a> {
    /// The run of a single item: nothing is counted.
    #[inline]
    pub(crate) fn single(settings: &'a RunSettings) -> Self {
        Self { id: AtomicU64::new(0), settings, counters: None }
    }

    /// A run of many, or a worker's part of it.
    pub(crate) fn counted(settings: &'a RunSettings, counters: &'a RunCounters, id: Option<RunId>) -> Self {
        Self { id: AtomicU64::new(id.map_or(0, |id| id.0)), settings, counters: Some(counters) }
    }

    pub(crate) fn id(&self) -> RunId {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let known = self.id.load(Ordering::Relaxed);
        if known != 0 {
            return RunId(known);
        }
        let fresh = NEXT.fetch_add(1, Ordering::Relaxed);
        match self.id.compare_exchange(0, fresh, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => RunId(fresh),
            Err(first) => RunId(first),
        }
    }

    pub(crate) fn settings(&self) -> &'a RunSettings {
        self.settings
    }

    /// Whether there is an observer.
    #[inline]
    pub(crate) fn is_observed(&self) -> bool {
        !self.settings.observers.is_empty()
    }

    /// Tells all observers.
    #[inline]
    pub(crate) fn notify(&self, what: impl Fn(&dyn Observer)) {
        if self.is_observed() {
            self.notify_all(&what);
        }
    }

    #[cold]
    fn notify_all(&self, what: &dyn Fn(&dyn Observer)) {
        for observer in &self.settings.observers {
            if !catch_observer_panic(|| what(observer))
                && let Some(counters) = self.counters
            {
                counters.observer_panics.add(1);
            }
        }
    }

    #[inline]
    pub(crate) fn metrics(&self, step: StepId) -> Option<&'a StageMetrics> {
        self.counters?.metrics.get(step.index())
    }

    /// The time on the clock of the run, in nanoseconds from 1 on: as of the last look at it; of a single item, the time.
    #[inline]
    pub(crate) fn nanos(&self) -> u64 {
        match self.counters {
            Some(counters) => counters.clock.load(Ordering::Relaxed) + 1,
            None => self.nanos_at(Instant::now()),
        }
    }

    pub(crate) fn nanos_at(&self, time: Instant) -> u64 {
        let nanos = time.saturating_duration_since(self.epoch()).as_nanos();
        u64::try_from(nanos).unwrap_or(u64::MAX - 1) + 1
    }

    pub(crate) fn at(&self, nanos: u64) -> Instant {
        self.epoch() + Duration::from_nanos(nanos - 1)
    }

    /// When the clock of the run was at 0.
    fn epoch(&self) -> Instant {
        /// Before all runs of single items, on whatever clock: a paused one may be behind.
        static EPOCH: OnceLock<Instant> = OnceLock::new();
        match self.counters {
            Some(counters) => counters.started,
            None => *EPOCH.get_or_init(|| {
                let now = Instant::now();
                now.checked_sub(Duration::from_secs(1_000_000)).unwrap_or(now)
            }),
        }
    }

    /// Looks at the clock, and says how long it is since the last look.
    pub(crate) fn tick_clock(&self) -> Duration {
        let Some(counters) = self.counters else { return Duration::ZERO };
        let nanos = u64::try_from(counters.elapsed().as_nanos()).unwrap_or(u64::MAX - 1);
        let before = counters.clock.load(Ordering::Relaxed);
        counters.clock.store(nanos, Ordering::Relaxed);
        Duration::from_nanos(nanos.saturating_sub(before))
    }

    /// What the jitter of one wait is drawn from. Under a seed the same wait gets the same draw, whatever else runs.
    #[cold]
    pub(crate) fn rng(&self, index: usize, stage: &str, attempt: u32) -> fastrand::Rng {
        let Some(seed) = self.settings.seed else { return fastrand::Rng::new() };
        // FNV-1a (Fowler, Noll, Vo) over what names the wait: stable across platforms and releases of std.
        let words = [seed, index as u64, u64::from(attempt)];
        let bytes = words.iter().flat_map(|word| word.to_le_bytes()).chain(stage.bytes());
        let hash = bytes.fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        fastrand::Rng::with_seed(hash)
    }
}

impl fmt::Debug for Run<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("id", &self.id).finish_non_exhaustive()
    }
}
