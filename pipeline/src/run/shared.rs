//! `Run`: the state that all items of a run share.

use std::fmt;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::observer::{Observer, catch_observer_panic};
use super::settings::RunSettings;
use super::wait_note::WaitNote;

use crate::error::step_id::StepId;
use crate::report::metrics::{Counter, StageMetrics};
use crate::report::run_id::RunId;

/// One run, that is, one call of `run`, `collect`, `drain`, `settle` or `stream`, as seen by one worker.
pub(crate) struct Run<'a> {
    /// What its id is made of; 0 until that is asked for: most runs of a single item never need an id.
    serial: AtomicU64,
    settings: &'a RunSettings,
    /// `None` for a single item, which is not counted.
    counters: Option<&'a RunCounters>,
}

/// The counters of a run, as seen by one worker.
pub(crate) struct RunCounters {
    /// One per step of the plan.
    metrics: Box<[StageMetrics]>,
    started: Instant,
    /// The same moment on the clock of the system.
    started_at: SystemTime,
    /// Nanoseconds since `started`, as of the last call of `tick_clock`.
    clock: AtomicU64,
    observer_panics: Counter,
    /// What the item that is being polled waits for.
    pub(crate) wait_note: WaitNote,
}

impl RunCounters {
    /// Counters for a plan with `steps` steps.
    pub(crate) fn new(steps: usize) -> Self {
        Self {
            metrics: (0..steps).map(|_| StageMetrics::default()).collect(),
            started: Instant::now(),
            started_at: SystemTime::now(),
            clock: AtomicU64::new(0),
            observer_panics: Counter::default(),
            wait_note: WaitNote::default(),
        }
    }

    pub(crate) fn metrics(&self) -> &[StageMetrics] {
        &self.metrics
    }

    pub(crate) fn started_at(&self) -> SystemTime {
        self.started_at
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn observer_panics(&self) -> u64 {
        self.observer_panics.get()
    }
}

impl<'a> Run<'a> {
    /// The run of a single item, which counts nothing.
    #[inline]
    pub(crate) fn single(settings: &'a RunSettings) -> Self {
        Self { serial: AtomicU64::new(0), settings, counters: None }
    }

    /// A run of many items, or one worker's part of it.
    pub(crate) fn counted(settings: &'a RunSettings, counters: &'a RunCounters) -> Self {
        Self { serial: AtomicU64::new(0), settings, counters: Some(counters) }
    }

    /// The id of the run, assigned at the first call.
    pub(crate) fn id(&self) -> RunId {
        if let Some(id) = self.settings.run_id {
            return id;
        }
        let serial = match self.serial.load(Ordering::Relaxed) {
            0 => {
                let new = RunId::next_serial();
                let first = self.serial.compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed);
                first.err().unwrap_or(new)
            }
            serial => serial,
        };
        RunId::of_serial(serial)
    }

    pub(crate) fn settings(&self) -> &'a RunSettings {
        self.settings
    }

    /// Whether the pipeline has observers.
    #[inline]
    pub(crate) fn is_observed(&self) -> bool {
        !self.settings.observers.is_empty()
    }

    /// Calls `event` on each observer, in the order in which they were attached.
    #[inline]
    pub(crate) fn notify(&self, event: impl Fn(&dyn Observer)) {
        if self.is_observed() {
            self.notify_all(&event);
        }
    }

    #[cold]
    fn notify_all(&self, event: &dyn Fn(&dyn Observer)) {
        for observer in &self.settings.observers {
            if !catch_observer_panic(|| event(observer))
                && let Some(counters) = self.counters
            {
                counters.observer_panics.add(1);
            }
        }
    }

    /// The counters of a step; `None` for a single item, or for a step outside the plan.
    #[inline]
    pub(crate) fn metrics(&self, step: StepId) -> Option<&'a StageMetrics> {
        self.counters?.metrics.get(step.index())
    }

    /// Notes that the item that is being polled waits for a function, or for a permit.
    #[inline]
    pub(crate) fn note_works(&self) {
        if let Some(counters) = self.counters {
            counters.wait_note.works();
        }
    }

    /// Notes that the item that is being polled sleeps between two attempts.
    pub(crate) fn note_sleeps(&self) {
        if let Some(counters) = self.counters {
            counters.wait_note.sleeps();
        }
    }

    /// The current time of the run, in nanoseconds, starting at 1 so that 0 can mean "not set".
    ///
    /// A run of many items returns the time of the last [`tick_clock`](Self::tick_clock); a single item reads the clock.
    #[inline]
    pub(crate) fn nanos(&self) -> u64 {
        match self.counters {
            Some(counters) => counters.clock.load(Ordering::Relaxed) + 1,
            None => self.nanos_at(Instant::now()),
        }
    }

    /// Converts an instant to the time of the run, in nanoseconds, starting at 1.
    pub(crate) fn nanos_at(&self, time: Instant) -> u64 {
        let nanos = time.saturating_duration_since(self.epoch()).as_nanos();
        u64::try_from(nanos).unwrap_or(u64::MAX - 1) + 1
    }

    /// Converts a time of the run, in nanoseconds, to an instant.
    pub(crate) fn at(&self, nanos: u64) -> Instant {
        self.epoch() + Duration::from_nanos(nanos - 1)
    }

    /// The instant at which the time of the run starts.
    fn epoch(&self) -> Instant {
        /// Earlier than the start of any single-item run, on any clock: a paused tokio clock may be behind the one that
        /// initializes this.
        static EPOCH: OnceLock<Instant> = OnceLock::new();
        match self.counters {
            Some(counters) => counters.started,
            None => *EPOCH.get_or_init(|| {
                let now = Instant::now();
                now.checked_sub(Duration::from_secs(1_000_000)).unwrap_or(now)
            }),
        }
    }

    /// Reads the clock. Returns the time since the last call; zero for a single item.
    pub(crate) fn tick_clock(&self) -> Duration {
        let Some(counters) = self.counters else { return Duration::ZERO };
        let nanos = u64::try_from(counters.elapsed().as_nanos()).unwrap_or(u64::MAX - 1);
        let previous = counters.clock.load(Ordering::Relaxed);
        counters.clock.store(nanos, Ordering::Relaxed);
        Duration::from_nanos(nanos.saturating_sub(previous))
    }

    /// The random number generator for the jitter of one wait. With a seed, a wait always gets the same jitter, regardless
    /// of what else runs.
    #[cold]
    pub(crate) fn rng(&self, index: usize, stage: &str, attempt: u32) -> fastrand::Rng {
        let Some(seed) = self.settings.seed else { return fastrand::Rng::new() };
        // FNV-1a (Fowler, Noll, Vo) over seed, index, attempt and stage: stable across platforms and releases of std.
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
        f.debug_struct("Run").field("id", &self.id()).finish_non_exhaustive()
    }
}
