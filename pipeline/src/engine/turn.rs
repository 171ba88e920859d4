//! `Turn`: how much work one poll of a run may do before it yields to other tasks.

use std::any::Any;
use std::task::{Context, Waker};
use std::time::{Duration, Instant};

use tokio::task::coop;

use super::item_result::ItemFailure;
use super::provenance::Provenance;
use super::run_state::RunState;

use crate::error::stage_error::StageError;
use crate::report::stopped::Stopped;

/// A caught panic.
pub type Payload = Box<dyn Any + Send>;

/// A turn ends after this time. A call that computes for longer ends it when the call returns.
const TURN_LIMIT: Duration = Duration::from_micros(100 * TIME_SCALE);

/// The clock is read about this often.
const CLOCK_INTERVAL: Duration = Duration::from_micros(10 * TIME_SCALE);

/// The clock is read at least once per this number of calls.
const MAX_CALLS_PER_READ: u32 = 64;

/// After this time between two reads, the clock is read once per [`SLOW_CALLS_PER_READ`] calls at least.
const SLOW_INTERVAL: Duration = Duration::from_micros(1000 * TIME_SCALE);

const SLOW_CALLS_PER_READ: u32 = 8;

/// In a sweep, the clock is read at least once per this number of items.
const MAX_ITEMS_PER_READ: u32 = 256;

/// Tokio's budget is checked once per this number of calls: a call that is polled without budget just wakes itself again.
const CALLS_PER_BUDGET_CHECK: u32 = 8;

/// Instructions are counted on a simulated processor that is about a hundred times slower.
const TIME_SCALE: u64 = if cfg!(pipeline_count_instructions) { 100 } else { 1 };

/// How often the clock is read, kept from one turn to the next.
#[derive(Debug)]
pub(crate) struct Pace {
    calls_per_read: u32,
    max_calls_per_read: u32,
    /// The same for the items of sweeps.
    sweep: u32,
}

impl Default for Pace {
    fn default() -> Self {
        Self { calls_per_read: 4, max_calls_per_read: MAX_CALLS_PER_READ, sweep: 1 }
    }
}

/// One poll of a run: its limit, and the state of the run.
///
/// Calls that are ready at once take nanoseconds, so the clock is not read for each. It is read every few calls, so that the
/// reads are about 10 microseconds apart, and the turn ends after 100 microseconds or when tokio's budget is used up.
pub struct Turn<'t, 'a, R> {
    pub(crate) waker: &'t Waker,
    pub(crate) run_state: &'t mut RunState<'a, R>,
    pace: &'t mut Pace,
    /// The calls until the next check of tokio's budget.
    calls_left: u32,
    /// The calls after those until the clock is read.
    calls_to_read: u32,
    /// The items of sweeps until the clock is read.
    items_to_read: u32,
    started: Instant,
    last_read: Instant,
    /// Whether work may have been left undone.
    pub(crate) exhausted: bool,
}

impl<'t, 'a, R> Turn<'t, 'a, R> {
    pub(crate) fn new(waker: &'t Waker, run_state: &'t mut RunState<'a, R>, pace: &'t mut Pace) -> Self {
        let now = Instant::now();
        let (calls_to_read, items_to_read) = (pace.calls_per_read, pace.sweep);
        Self {
            waker,
            run_state,
            pace,
            calls_left: 0,
            calls_to_read,
            items_to_read,
            started: now,
            last_read: now,
            exhausted: false,
        }
    }

    pub(crate) fn cx(&self) -> Context<'t> {
        Context::from_waker(self.waker)
    }

    /// Whether one more item may be read or one more call be polled.
    #[inline]
    pub(crate) fn spend(&mut self) -> bool {
        if self.calls_left == 0 {
            return self.spend_slowly();
        }
        self.calls_left -= 1;
        true
    }

    /// Checks tokio's budget and, if it is due, the clock.
    #[cold]
    #[inline(never)]
    fn spend_slowly(&mut self) -> bool {
        self.exhausted |= !coop::has_budget_remaining();
        if self.exhausted {
            return false;
        }
        if self.calls_to_read == 0 && !self.read_clock() {
            self.exhausted = true;
            return false;
        }
        let granted = self.calls_to_read.min(CALLS_PER_BUDGET_CHECK);
        self.calls_to_read -= granted;
        self.calls_left = granted - 1;
        true
    }

    /// How many of so many items a sweep may read; 0 if the turn is over.
    pub(crate) fn grant(&mut self, items: usize) -> usize {
        if self.items_to_read == 0 {
            self.exhausted |= !coop::has_budget_remaining() || !self.read_clock_in_sweep();
        }
        if self.exhausted {
            self.stop();
            return 0;
        }
        let granted = self.items_to_read.min(u32::try_from(items).unwrap_or(u32::MAX));
        self.items_to_read -= granted;
        granted as usize
    }

    /// Reads the clock, and adapts how often it is read. Returns whether the turn goes on.
    fn read_clock(&mut self) -> bool {
        self.run_state.run.tick_clock();
        let interval = self.next_interval();
        let pace = &mut *self.pace;
        adapt(&mut pace.calls_per_read, pace.max_calls_per_read, interval);
        self.calls_to_read = pace.calls_per_read;
        self.is_within_limit()
    }

    /// The same for the items of sweeps. The clock of the run is not read: these items do not wait.
    fn read_clock_in_sweep(&mut self) -> bool {
        let interval = self.next_interval();
        let pace = &mut *self.pace;
        // Calls that were slow once may be slow again.
        let most = if pace.max_calls_per_read < MAX_CALLS_PER_READ {
            SLOW_CALLS_PER_READ
        } else {
            MAX_ITEMS_PER_READ
        };
        adapt(&mut pace.sweep, most, interval);
        self.items_to_read = pace.sweep;
        self.is_within_limit()
    }

    /// Reads the clock. Returns the time since the last read.
    fn next_interval(&mut self) -> Duration {
        let now = Instant::now();
        let interval = now - self.last_read;
        self.last_read = now;
        if interval > SLOW_INTERVAL {
            self.pace.max_calls_per_read = SLOW_CALLS_PER_READ;
        }
        interval
    }

    fn is_within_limit(&self) -> bool {
        self.last_read - self.started <= TURN_LIMIT
    }

    /// Ends the turn: nothing more is read or polled in it.
    pub(crate) fn stop(&mut self) {
        self.calls_left = 0;
        self.exhausted = true;
    }

    /// Records the failures of an item. Returns what is emitted in its place, if anything. See
    /// [`RunState::resolve_failure`].
    #[cold]
    #[inline(never)]
    pub(crate) fn resolve_failure<G, T>(
        &mut self,
        provenance: &G,
        failure: ItemFailure<T>,
    ) -> Option<Result<T, StageError>>
    where
        G: Provenance<Root = R>,
    {
        let result = self.run_state.resolve_failure(provenance, failure);
        self.stop_if_aborting();
        result
    }

    /// Records the failure of an item. Returns the error if failures are emitted.
    #[cold]
    #[inline(never)]
    pub(crate) fn fail_item<G: Provenance<Root = R>>(
        &mut self,
        provenance: &G,
        error: StageError,
    ) -> Option<StageError> {
        let result = self.run_state.fail_item(provenance, error);
        self.stop_if_aborting();
        result
    }

    /// The run cannot go on.
    #[cold]
    pub(crate) fn abort_with(&mut self, stopped: Stopped, error: StageError) {
        self.run_state.abort_with(stopped, error);
        self.stop();
    }

    fn stop_if_aborting(&mut self) {
        if self.run_state.aborting {
            self.stop();
        }
    }
}

/// Adapts the number of calls between two reads of the clock to the time between the last two.
fn adapt(per_read: &mut u32, most: u32, interval: Duration) {
    if interval > CLOCK_INTERVAL * 2 {
        let fitting = u128::from(*per_read) * CLOCK_INTERVAL.as_nanos() / interval.as_nanos();
        *per_read = u32::try_from(fitting).unwrap_or(u32::MAX).max(1);
    } else if interval < CLOCK_INTERVAL {
        *per_read = (*per_read * 2).min(most);
    }
}
