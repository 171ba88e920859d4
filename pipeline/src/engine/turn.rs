//! `Turn`: how much work one poll of a run may do before it yields to other tasks.

use std::any::Any;
use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use tokio::task::{coop, yield_now};

use super::item_result::ItemFailure;
use super::pace::{Pace, TurnClock, has_several_threads, turn_limit};
use super::provenance::Provenance;
use super::run_state::RunState;
use super::sync::AtomicWaker;

use crate::error::stage_error::StageError;
use crate::report::stopped::Stopped;

/// A caught panic.
pub type Payload = Box<dyn Any + Send>;

/// The clock is read at least once per this number of calls.
const MAX_CALLS_PER_READ: u32 = 64;

/// In a sweep, the clock is read at least once per this number of items.
const MAX_ITEMS_PER_READ: u32 = 256;

/// Tokio's budget is checked once per this number of calls: a call that is polled without budget just wakes itself again.
const CALLS_PER_BUDGET_CHECK: u32 = 8;

/// How often the clock is read, kept from one turn to the next.
#[derive(Debug)]
pub(crate) struct Paces {
    calls: Pace,
    /// The same for the items of sweeps.
    sweep: Pace,
    turn_limit: Duration,
}

impl Paces {
    /// For a run with so many workers.
    pub(crate) fn new(workers: usize) -> Self {
        Self {
            calls: Pace::new(MAX_CALLS_PER_READ),
            sweep: Pace::new(MAX_ITEMS_PER_READ),
            turn_limit: turn_limit(workers),
        }
    }
}

/// Ends a turn that has left work undone: the task is polled again after the others.
///
/// Tokio polls timers and IO before a task that yields in this way, but not before one that is woken: so until then, what wakes
/// the task of this driver does not. A run and its workers would else wake each other all the time.
pub(super) fn yield_to_others(cx: &mut Context<'_>, driver: &AtomicWaker) {
    drop(driver.take());
    let _ = pin!(yield_now()).poll(cx);
}

/// The same for the task of a run with workers. Among several threads, this task must be free to go to another one: a worker
/// that it has woken is to run next in this thread, and no other thread takes that one.
pub(super) fn yield_to_workers(cx: &mut Context<'_>, driver: &AtomicWaker) {
    if has_several_threads() {
        cx.waker().wake_by_ref();
    } else {
        yield_to_others(cx, driver);
    }
}

/// One poll of a run: its limit, and the state of the run.
///
/// Calls that are ready at once take nanoseconds, so the clock is not read for each. It is read every few calls, so that the
/// reads are about 10 microseconds apart, and the turn ends after 100 microseconds or when tokio's budget is used up.
pub struct Turn<'t, 'a, R> {
    pub(crate) waker: &'t Waker,
    pub(crate) run_state: &'t mut RunState<'a, R>,
    paces: &'t mut Paces,
    /// The calls until the next check of tokio's budget.
    calls_left: u32,
    /// The calls after those until the clock is read.
    calls_to_read: u32,
    /// The items of sweeps until the clock is read.
    items_to_read: u32,
    clock: TurnClock,
    /// Whether work may have been left undone.
    pub(crate) exhausted: bool,
}

impl<'t, 'a, R> Turn<'t, 'a, R> {
    pub(crate) fn new(waker: &'t Waker, run_state: &'t mut RunState<'a, R>, paces: &'t mut Paces) -> Self {
        let (calls_to_read, items_to_read) = (paces.calls.calls_per_read(), paces.sweep.calls_per_read());
        let turn_limit = paces.turn_limit;
        Self {
            waker,
            run_state,
            paces,
            calls_left: 0,
            calls_to_read,
            items_to_read,
            clock: TurnClock::start(turn_limit),
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
        let pace = &mut self.paces.calls;
        pace.adapt(self.clock.read());
        self.calls_to_read = pace.calls_per_read();
        !self.clock.is_over()
    }

    /// The same for the items of sweeps. The clock of the run is not read: these items do not wait.
    fn read_clock_in_sweep(&mut self) -> bool {
        let pace = &mut self.paces.sweep;
        pace.adapt(self.clock.read());
        self.items_to_read = pace.calls_per_read();
        !self.clock.is_over()
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
