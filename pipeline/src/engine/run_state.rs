//! `RunState`: the counts and failures of a run, and what ends it.

use std::collections::VecDeque;

use super::item_result::ItemFailure;
use super::open_items::OpenItems;
use super::provenance::{Origin, Provenance};
use super::reorder_buffer::ReorderBuffer;

use crate::dead_letters::delivery::DeliveryQueue;
use crate::dead_letters::sink::DeadLetter;
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::report::accounting::RunTotals;
use crate::report::failure::Failure;
use crate::report::metrics::Snapshot;
use crate::report::stage_report::to_usize;
use crate::report::stopped::Stopped;
use crate::report::summary::{Report, ReportSlot};
use crate::run::outcome::Outcome;
use crate::run::settings::{ErrorMode, Settings};
use crate::run::shared::{Run, RunCounters};
use crate::stage::plan::Plan;

/// The state of one run. Owned by its driver.
#[allow(clippy::struct_excessive_bools)] // They are independent of each other.
pub struct RunState<'a, R> {
    pub(crate) run: &'a Run<'a>,
    pub(crate) counters: &'a RunCounters,
    /// The source items that are not over, if there are observers.
    open_items: Option<Box<OpenItems>>,
    /// What the run does when an item fails; `None` for `settle`, which returns each failure as a result.
    error_mode: Option<ErrorMode>,
    /// Whether failures are also emitted, in the places of their items.
    emit_failures: bool,
    /// Items taken from the source.
    pub(crate) items_in: usize,
    pub(crate) items_out: usize,
    pub(crate) items_failed: usize,
    /// Items that were dropped before they finished.
    items_cancelled: usize,
    pub(crate) rows_isolated: usize,
    /// The members of the batches that came out at the end, but for one of each.
    further_members_out: usize,
    /// The isolated rows of batches whose other rows went on.
    rows_left_out: usize,
    pub(crate) failures: Vec<Failure>,
    /// Those that were not kept.
    failures_omitted: usize,
    /// How the run was stopped.
    pub(crate) stopped: Option<Stopped>,
    /// Why the run cannot go on, although no item failed.
    pub(crate) fatal: Option<StageError>,
    /// The first stage, for the errors of items that were cancelled.
    first_stage: &'static str,
    /// The first failure, if failures are not emitted.
    pub(crate) first_failure: Option<Failure>,
    /// The failures of isolated rows that are not emitted yet.
    pub(crate) isolated_rows: VecDeque<Failure>,
    /// The source was read to its end.
    pub(crate) source_exhausted: bool,
    /// The source must not be read any more.
    pub(crate) source_closed: bool,
    /// The calls in flight and all queued items must be dropped.
    pub(crate) aborting: bool,
    /// The future of the run was dropped, so it cannot wait for its workers to stop.
    pub(crate) dropped: bool,
    /// Where the report goes then.
    pub(crate) report_of_dropped_run: Option<ReportSlot>,
    pub(crate) delivery: Option<DeliveryQueue<'a, R>>,
    /// Clones a source item for its dead letter, in a run with dead letters.
    pub(crate) clone_item: Option<fn(&R) -> R>,
}

impl<'a, R> RunState<'a, R> {
    pub(crate) fn new(
        run: &'a Run<'a>,
        counters: &'a RunCounters,
        settings: &'a Settings<R>,
        first_stage: &'static str,
        error_mode: Option<ErrorMode>,
        emit_failures: bool,
    ) -> Self {
        let dead_letters = settings.dead_letters.as_ref();
        Self {
            run,
            counters,
            open_items: run.is_observed().then(Box::default),
            error_mode,
            emit_failures,
            items_in: 0,
            items_out: 0,
            items_failed: 0,
            items_cancelled: 0,
            rows_isolated: 0,
            further_members_out: 0,
            rows_left_out: 0,
            failures: Vec::new(),
            failures_omitted: 0,
            stopped: None,
            fatal: None,
            first_stage,
            first_failure: None,
            isolated_rows: VecDeque::new(),
            source_exhausted: false,
            source_closed: false,
            aborting: false,
            dropped: false,
            report_of_dropped_run: None,
            delivery: dead_letters.map(|config| DeliveryQueue::new(&*config.sink)),
            clone_item: dead_letters.map(|config| config.copy),
        }
    }

    /// Counts an item from the source, and returns its index.
    #[inline]
    pub(crate) fn admit(&mut self) -> usize {
        let index = self.items_in;
        self.items_in += 1;
        if let Some(open_items) = &mut self.open_items {
            open_items.push();
        }
        index
    }

    /// Whether the run ends with the first failure in the order of the items: the results before it are emitted.
    pub(crate) fn ends_in_order(&self) -> bool {
        self.emit_failures && self.error_mode == Some(ErrorMode::Strict)
    }

    /// Whether the source must pause, because too many dead letters wait for delivery.
    pub(crate) fn is_delivery_full(&self) -> bool {
        self.delivery.as_ref().is_some_and(|delivery| delivery.len() >= self.run.settings().concurrency)
    }

    /// Records the failures of an item. Returns what is emitted in its place, if anything.
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
        let value = match failure {
            ItemFailure::Failed(error) => Err(error),
            ItemFailure::Partial { result, rows } => {
                if result.is_ok() {
                    self.rows_left_out += rows.len();
                }
                for row in rows {
                    self.isolate_row(provenance, row);
                }
                result
            }
        };
        match value {
            Ok(value) => Some(Ok(value)),
            Err(error) => self.fail_item(provenance, error).map(Err),
        }
    }

    /// Records the failure of an item. Returns the error if failures are emitted.
    #[cold]
    pub(crate) fn fail_item<G: Provenance<Root = R>>(
        &mut self,
        provenance: &G,
        error: StageError,
    ) -> Option<StageError> {
        let failure = self.record_failure(provenance, error);
        self.end_parts(provenance, || Outcome::Failed(failure.error.clone()));
        if self.emit_failures {
            return Some(failure.error);
        }
        self.first_failure.get_or_insert(failure);
        None
    }

    /// Records the failure of an isolated row, whose batch goes on.
    fn isolate_row<G: Provenance<Root = R>>(&mut self, provenance: &G, error: StageError) {
        if let Some(metrics) = self.run.metrics(error.step()) {
            metrics.isolated.add(1);
        }
        self.rows_isolated += 1;
        let failure = self.record_failure(provenance, error);
        if let Some(open_items) = &mut self.open_items {
            open_items.record(failure.index, &Outcome::Failed(failure.error.clone()));
        }
        if self.emit_failures {
            self.isolated_rows.push_back(failure);
        } else {
            self.first_failure.get_or_insert(failure);
        }
    }

    fn record_failure<G: Provenance<Root = R>>(&mut self, provenance: &G, error: StageError) -> Failure {
        let row = error.row_position().map(|row| std::slice::from_ref(provenance.row(row.index, row.of)));
        let index = row.and_then(|row| row.first()).unwrap_or_else(|| provenance.origin()).index;
        if let Some(metrics) = self.run.metrics(error.step()) {
            metrics.failed.add(1);
        }
        let origins = row.unwrap_or_else(|| provenance.origins());
        self.items_failed += origins.len();
        // The failure of a batch is the failure of all its items.
        self.add_letters(origins, &error);
        match self.error_mode {
            Some(ErrorMode::Strict) => {
                self.stopped.get_or_insert(Stopped::AtFailure);
                self.source_closed = true;
                self.aborting = !self.emit_failures;
            }
            Some(ErrorMode::Lenient) => {
                tracing::warn!(index, stage = error.stage(), "an item failed: {error:#}");
            }
            Some(ErrorMode::Collect) | None => {}
        }
        let failure = Failure { index, error };
        self.keep_failure(&failure);
        failure
    }

    /// Keeps a failure for the report, unless the verb returns each as a result.
    fn keep_failure(&mut self, failure: &Failure) {
        let limit = match self.error_mode {
            None => return,
            Some(ErrorMode::Collect) => usize::MAX,
            Some(ErrorMode::Strict | ErrorMode::Lenient) => self.run.settings().failures_kept,
        };
        if self.failures.len() < limit {
            self.failures.push(failure.clone());
        } else {
            self.failures_omitted += 1;
        }
    }

    /// Queues a dead letter for each of these source items, unless it had one before.
    fn add_letters(&mut self, origins: &[Origin<R>], error: &StageError) {
        let Some(delivery) = &mut self.delivery else { return };
        for Origin { index, source_item } in origins {
            if let Some(item) = source_item.as_ref().and_then(|source_item| source_item.take()) {
                delivery.add(DeadLetter { item, index: *index, error: error.clone() });
            }
        }
    }

    /// The run cannot go on.
    #[cold]
    pub(crate) fn abort_with(&mut self, stopped: Stopped, error: StageError) {
        self.stopped = Some(stopped);
        self.fatal.get_or_insert(error);
        self.source_closed = true;
        self.aborting = true;
    }

    /// The error of a run that cannot go on, if failures are emitted as they come.
    #[inline]
    pub(crate) fn fatal_to_emit(&self) -> Option<StageError> {
        if self.emit_failures && self.error_mode.is_some() { self.fatal.clone() } else { None }
    }

    /// Records the cancellation of an item.
    pub(crate) fn cancel_item<G: Provenance<Root = R>>(&mut self, provenance: &G) {
        self.items_cancelled += provenance.origins().len();
        if self.run.settings().cancelled_letters {
            self.add_letters(provenance.origins(), &StageError::cancelled(self.first_stage));
        }
        self.end_parts(provenance, || Outcome::Cancelled);
    }

    /// Adds a part to a source item.
    #[inline]
    pub(crate) fn add_part(&mut self, index: usize) {
        if let Some(open_items) = &mut self.open_items {
            open_items.add_part(index);
        }
    }

    /// A part of each source item that this item was made from is over. Tells observers which of them are over.
    #[inline]
    pub(crate) fn end_parts<G: Provenance<Root = R>>(
        &mut self,
        provenance: &G,
        outcome: impl FnOnce() -> Outcome,
    ) {
        if self.open_items.is_some() {
            self.end_observed_parts(provenance.origins(), &outcome());
        }
    }

    #[cold]
    fn end_observed_parts(&mut self, origins: &[Origin<R>], outcome: &Outcome) {
        let run = self.run;
        for Origin { index, .. } in origins {
            if let Some(outcome) = self.open_items.as_mut().and_then(|items| items.end_part(*index, outcome))
            {
                run.notify(|observer| observer.item_finished(run.id(), *index, &outcome));
            }
        }
    }

    /// Records the cancellation of the unfinished items of a segment, and of the outputs in its reorder buffer.
    pub(crate) fn cancel_segment<G, T>(
        &mut self,
        unfinished: impl Iterator<Item = G>,
        results: &mut ReorderBuffer<(G, Result<T, StageError>)>,
    ) where
        G: Provenance<Root = R>,
    {
        let outputs = results.drain().filter(|(_, result)| result.is_ok()).map(|(provenance, _)| provenance);
        for provenance in unfinished.chain(outputs) {
            self.cancel_item(&provenance);
        }
    }

    /// Records the cancellation of an item inside a boundary, which the report shows for the boundary.
    pub(crate) fn cancel_at_boundary<G: Provenance<Root = R>>(&mut self, step: StepId, provenance: &G) {
        if let Some(metrics) = self.run.metrics(step) {
            metrics.waiting.inc();
        }
        self.cancel_item(provenance);
    }

    /// Records an item that came out at the end.
    #[inline]
    pub(crate) fn finish_item<G: Provenance<Root = R>>(&mut self, provenance: &G) {
        self.items_out += 1;
        // Of an item that is no batch this is a constant, 0.
        self.further_members_out += provenance.origins().len() - 1;
        self.end_parts(provenance, || Outcome::Done);
    }

    /// The report of the run, after its end.
    pub(crate) fn report(&mut self, totals: &RunTotals, plan: &Plan) -> Report {
        let counters = self.counters;
        let snapshots = counters.metrics().iter().map(Snapshot::of).collect();
        Report {
            run: self.run.id(),
            stages: totals.stage_reports(plan.counted(), snapshots),
            items_in: self.items_in,
            items_out: self.items_out,
            items_failed: self.items_failed,
            items_cancelled: self.items_cancelled,
            rows_isolated: self.rows_isolated,
            rows_loaded: (self.items_out + self.further_members_out).saturating_sub(self.rows_left_out),
            failures_omitted: self.failures_omitted,
            letters_lost: self.delivery.as_ref().map_or(0, DeliveryQueue::lost),
            stopped: self.stopped,
            observer_panics: to_usize(counters.observer_panics() + totals.observer_panics),
            started_at: Some(counters.started_at()),
            elapsed: counters.elapsed(),
            failures: std::mem::take(&mut self.failures),
        }
    }
}
