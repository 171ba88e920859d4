//! `Driver`: drives the segments of a run. It is polled by the future of each verb.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};

use super::provenance::Provenance;
use super::run_state::RunState;
use super::sinks::Sink;
use super::swept::Swept;
use super::sync::AtomicWaker;
use super::turn::{Paces, Turn, yield_to_others, yield_to_workers};
use super::upstream::{Downstream, Upstream};

use crate::error::stage_error::StageError;
use crate::report::accounting::RunTotals;
use crate::report::stopped::Stopped;
use crate::report::summary::Report;
use crate::run::cancellation::{GraceTimer, Stop, StopSignal};
use crate::run::lock::lock;
use crate::stage::plan::Plan;

/// The segments of a run, and its state.
pub(crate) struct Driver<'a, U: Upstream> {
    /// The last segment, which owns those before it.
    segments: U,
    pub(crate) run_state: RunState<'a, U::Root>,
    paces: Paces,
    plan: &'a Plan,
    stop_signal: StopSignal,
    waker: Arc<AtomicWaker>,
    phase: Phase,
    /// How long a hard stop waits for dead letters; set when it does.
    letters_timer: Option<GraceTimer>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    /// Unfinished items are being cancelled.
    ShuttingDown,
    /// The remaining dead letters are being delivered.
    DeliveringLetters,
    Done,
}

impl<'a, U: Upstream> Driver<'a, U> {
    pub(crate) fn new(
        segments: U,
        run_state: RunState<'a, U::Root>,
        plan: &'a Plan,
        waker: Arc<AtomicWaker>,
    ) -> Self {
        let run = run_state.run;
        run.notify(|observer| observer.run_started(run.id()));
        let stop_signal = StopSignal::new(&run.settings().cancel, run.settings().grace);
        Self {
            segments,
            run_state,
            paces: Paces::new(run.settings().workers),
            plan,
            stop_signal,
            waker,
            phase: Phase::Running,
            letters_timer: None,
        }
    }

    /// Drives the run. Ready at its end.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, sink: &mut impl Sink<U::Item>) -> Poll<()> {
        self.waker.register(cx.waker());
        self.run_state.run.tick_clock();
        let stop = self.stop_signal.poll(cx);
        if stop != Stop::No {
            self.stop(stop);
        }
        self.deliver(cx);
        if self.phase == Phase::Running && self.poll_running(cx, sink) {
            self.phase = Phase::ShuttingDown;
        }
        if self.phase == Phase::ShuttingDown && self.shut_down(cx).is_ready() {
            self.phase = Phase::DeliveringLetters;
        }
        sink.flush();
        // Failures in this poll may have queued dead letters. A hard stop does not wait for them.
        let finished = self.phase == Phase::DeliveringLetters
            && (self.deliver(cx) || (stop == Stop::Hard && !self.waits_for_letters(cx)));
        if finished || self.phase == Phase::Done { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Records a stop. One that comes after the last item makes no difference.
    #[cold]
    fn stop(&mut self, stop: Stop) {
        let run_state = &mut self.run_state;
        run_state.source_closed = true;
        if self.phase == Phase::Running {
            run_state.aborting |= stop == Stop::Hard;
            run_state.stopped = match (stop, run_state.stopped) {
                (Stop::Hard, _) => Some(Stopped::Immediately),
                (_, None) => Some(Stopped::Gracefully),
                (_, stopped) => stopped,
            };
        }
    }

    /// Whether a hard stop waits for dead letters: for those of the items that it cancelled, and at most the grace period.
    #[cold]
    fn waits_for_letters(&mut self, cx: &mut Context<'_>) -> bool {
        let settings = self.run_state.run.settings();
        if !settings.cancelled_letters {
            return false;
        }
        let timer = self.letters_timer.get_or_insert_with(|| GraceTimer::new(settings.grace));
        timer.is_set() && !timer.is_over(cx)
    }

    /// Delivers dead letters. Returns whether all are delivered.
    fn deliver(&mut self, cx: &mut Context<'_>) -> bool {
        self.run_state.delivery.as_mut().is_none_or(|delivery| delivery.poll(cx))
    }

    /// Takes a turn. Returns true once the run must shut down: it is complete or aborted.
    fn poll_running(&mut self, cx: &mut Context<'_>, sink: &mut impl Sink<U::Item>) -> bool {
        let Self { segments, run_state, paces, waker, .. } = self;
        let mut turn = Turn::new(cx.waker(), run_state, paces);
        let has_room = sink.has_room(cx);
        let mut end = EndOfRun { sink, has_room };
        loop {
            // Caught once per turn: once per call would cost more. The slot whose call panicked has recorded it.
            let result = catch_unwind(AssertUnwindSafe(|| segments.advance(&mut turn, &mut end)));
            let ended = match result {
                Ok(ended) => ended,
                Err(payload) => match segments.on_panic(&mut turn, payload) {
                    None if !turn.run_state.aborting => continue,
                    None => true,
                    Some(payload) => resume_unwind(payload),
                },
            };
            end.emit_isolated_rows(&mut turn);
            end.emit_fatal(&mut turn);
            if ended || turn.run_state.aborting {
                return true;
            }
            if turn.exhausted {
                match turn.run_state.run.settings().workers {
                    1 => yield_to_others(cx, waker),
                    _ => yield_to_workers(cx, waker),
                }
            }
            return false;
        }
    }

    fn shut_down(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self { segments, run_state, paces, .. } = self;
        segments.shut_down(&mut Turn::new(cx.waker(), run_state, paces))
    }

    /// Ends the run, and returns its report.
    pub(crate) fn finish(&mut self) -> Report {
        self.phase = Phase::Done;
        let mut totals = RunTotals::default();
        self.segments.add_totals(&mut totals);
        let report = self.run_state.report(&totals, self.plan);
        let run = self.run_state.run;
        run.notify(|observer| observer.run_finished(run.id(), &report));
        report
    }
}

/// Ends the run: the sink takes no more.
fn abort<R>(turn: &mut Turn<'_, '_, R>) {
    turn.run_state.aborting = true;
    turn.stop();
}

/// The sink of the verb, behind the last segment.
struct EndOfRun<'k, K> {
    sink: &'k mut K,
    has_room: bool,
}

impl<K> EndOfRun<'_, K> {
    /// Emits the failures of rows that failed alone.
    #[inline]
    fn emit_isolated_rows<R, T>(&mut self, turn: &mut Turn<'_, '_, R>)
    where
        K: Sink<T>,
    {
        if !turn.run_state.isolated_rows.is_empty() {
            self.emit_rows(turn);
        }
    }

    /// Emits the error of a run that cannot go on, where failures are emitted.
    #[inline]
    fn emit_fatal<R, T>(&mut self, turn: &mut Turn<'_, '_, R>)
    where
        K: Sink<T>,
    {
        if let Some(error) = turn.run_state.fatal_to_emit() {
            self.sink.push(turn.run_state.items_in, Err(error));
        }
    }

    #[cold]
    fn emit_rows<R, T>(&mut self, turn: &mut Turn<'_, '_, R>)
    where
        K: Sink<T>,
    {
        while let Some(row) = turn.run_state.isolated_rows.pop_front() {
            if self.sink.push_row(row.index, row.error) {
                abort(turn);
            }
        }
    }
}

impl<G, T, K> Downstream<G, T> for EndOfRun<'_, K>
where
    G: Provenance,
    K: Sink<T>,
{
    #[inline]
    fn has_room(&self) -> bool {
        self.has_room
    }

    #[allow(clippy::inline_always)] // Once in each segment before it; see `push_rarely`.
    #[inline(always)]
    fn push(
        &mut self,
        turn: &mut Turn<'_, '_, G::Root>,
        provenance: G,
        value: Result<T, StageError>,
    ) -> bool {
        self.emit_isolated_rows(turn);
        let index = provenance.origin().index;
        if value.is_ok() {
            turn.run_state.finish_item(&provenance);
        }
        if self.sink.push(index, value) {
            abort(turn);
        }
        self.has_room = !turn.run_state.aborting && self.sink.has_room(&mut turn.cx());
        self.has_room
    }

    fn sweep_limit(&self) -> usize {
        if self.has_room && K::has_sweeps(self.sink) { usize::MAX } else { 0 }
    }

    fn sweep(
        &mut self,
        turn: &mut Turn<'_, '_, G::Root>,
        items: impl Iterator<Item = T>,
        expected: usize,
    ) -> Swept {
        let swept = K::sweep(self.sink, items, expected);
        turn.run_state.items_out += swept.items;
        swept
    }
}

impl<U: Upstream> Drop for Driver<'_, U> {
    /// If the future of the run is dropped, the run is cancelled, and observers are notified of its end.
    fn drop(&mut self) {
        let report_slot = self.run_state.report_of_dropped_run.take();
        if self.phase == Phase::Done || !(self.run_state.run.is_observed() || report_slot.is_some()) {
            return;
        }
        let waker = std::task::Waker::noop();
        self.run_state.dropped = true;
        let _ = self.shut_down(&mut Context::from_waker(waker));
        let report = self.finish();
        if let Some(slot) = report_slot {
            *lock(&slot) = Some(report);
        }
    }
}
