//! What is written down of a run: failures, above all.

use std::any::Any;
use std::collections::VecDeque;

use super::item_result::ItemFailure;
use super::provenance::{Origin, Provenance, SourceItem};
use super::upstream::Tagged;

use crate::dead_letters::delivery::DeliveryQueue;
use crate::dead_letters::sink::DeadLetter;
use crate::error::stage_error::StageError;
use crate::report::accounting::RunTotals;
use crate::report::failure::Failure;
use crate::report::metrics::Snapshot;
use crate::report::stage_report::to_usize;
use crate::report::summary::Report;
use crate::run::outcome::Outcome;
use crate::run::settings::{ErrorMode, Settings};
use crate::run::shared::{Run, RunCounters};
use crate::stage::plan::Plan;

/// The books of one run. They belong to whoever drives it.
#[allow(clippy::struct_excessive_bools)] // Each is a fact by itself.
pub struct RunState<'a, R> {
    pub(crate) run: &'a Run<'a>,
    pub(crate) counters: &'a RunCounters,
    observed: bool,
    /// What a failure means to the run; nothing, where each is handed over as a result.
    error_mode: Option<ErrorMode>,
    /// Whether failures go on in the places of their items.
    emit_failures: bool,
    /// Items taken from the source.
    pub(crate) items_in: usize,
    pub(crate) items_out: usize,
    pub(crate) items_failed: usize,
    pub(crate) rows_isolated: usize,
    pub(crate) failures: Vec<Failure>,
    /// The first failure, where failures do not go on in place.
    pub(crate) first_failure: Option<Failure>,
    /// Failures of single rows, whose batch goes on.
    pub(crate) isolated_rows: VecDeque<Failure>,
    /// The source has given all it has.
    pub(crate) source_exhausted: bool,
    /// Nothing more is taken from the source.
    pub(crate) source_closed: bool,
    /// All is to be given up.
    pub(crate) aborting: bool,
    /// The run is dropped: nobody waits for what is elsewhere.
    pub(crate) dropped: bool,
    /// What a source or an iterator panicked with, until it is asked again.
    pub(crate) source_panic: Option<Box<dyn Any + Send>>,
    pub(crate) delivery: Option<DeliveryQueue<'a, R>>,
    clone_item: Option<fn(&R) -> R>,
}

impl<'a, R> RunState<'a, R> {
    pub(crate) fn new(
        run: &'a Run<'a>,
        counters: &'a RunCounters,
        settings: &'a Settings<R>,
        error_mode: Option<ErrorMode>,
        emit_failures: bool,
    ) -> Self {
        let letters = settings.dead_letters.as_ref();
        Self {
            run,
            counters,
            observed: run.is_observed(),
            error_mode,
            emit_failures,
            items_in: 0,
            items_out: 0,
            items_failed: 0,
            rows_isolated: 0,
            failures: Vec::new(),
            first_failure: None,
            isolated_rows: VecDeque::new(),
            source_exhausted: false,
            source_closed: false,
            aborting: false,
            dropped: false,
            source_panic: None,
            delivery: letters.map(|letters| DeliveryQueue::new(&*letters.sink)),
            clone_item: letters.map(|letters| letters.copy),
        }
    }

    /// Enters an item that comes from the source.
    #[inline]
    pub(crate) fn admit(&mut self, item: &R) -> Origin<R> {
        let index = self.items_in;
        self.items_in += 1;
        let source_item = self.clone_item.map(|clone_item| SourceItem::new(clone_item(item)).into());
        Origin { index, source_item }
    }

    /// Whether the source is to be left alone for a while: there are letters to be posted first.
    pub(crate) fn is_delivery_full(&self) -> bool {
        self.delivery.as_ref().is_some_and(|delivery| delivery.len() >= self.run.settings().concurrency)
    }

    /// What becomes of an item that did not simply come out.
    #[cold]
    #[inline(never)]
    pub(crate) fn resolve_failure<G, T>(
        &mut self,
        provenance: G,
        failure: ItemFailure<T>,
    ) -> Option<Tagged<G, T>>
    where
        G: Provenance<Root = R>,
    {
        let value = match failure {
            ItemFailure::Failed(error) => Err(error),
            ItemFailure::Partial(partial) => {
                let (value, rows) = *partial;
                for row in rows {
                    self.isolate_row(&provenance, row);
                }
                value
            }
        };
        let value = match value {
            Ok(value) => Ok(value),
            Err(error) => Err(self.fail_item(&provenance, error)?),
        };
        Some(Tagged { provenance, value })
    }

    /// Notes a failure, and says what goes on in the place of the item.
    #[cold]
    pub(crate) fn fail_item<G: Provenance<Root = R>>(
        &mut self,
        provenance: &G,
        error: StageError,
    ) -> Option<StageError> {
        let failure = self.record_failure(provenance, error);
        if self.emit_failures {
            return Some(failure.error);
        }
        self.first_failure.get_or_insert(failure);
        None
    }

    /// Notes the failure of a row whose batch goes on.
    fn isolate_row<G: Provenance<Root = R>>(&mut self, provenance: &G, error: StageError) {
        if let Some(metrics) = self.run.metrics(error.step()) {
            metrics.isolated.add(1);
        }
        self.rows_isolated += 1;
        let failure = self.record_failure(provenance, error);
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
        self.items_failed += 1;
        self.run
            .notify(|observer| observer.item_finished(self.run.id(), index, &Outcome::Failed(error.clone())));
        if let Some(delivery) = &mut self.delivery {
            // A batch that fails takes all its members with it.
            for Origin { index, source_item } in row.unwrap_or_else(|| provenance.origins()) {
                if let Some(item) = source_item.as_ref().and_then(|source_item| source_item.take()) {
                    delivery.add(DeadLetter { item, index: *index, error: error.clone() });
                }
            }
        }
        match self.error_mode {
            Some(ErrorMode::Strict) => {
                self.source_closed = true;
                self.aborting = !self.emit_failures;
            }
            Some(ErrorMode::Lenient) => {
                tracing::warn!(index, stage = error.stage(), "an item failed: {error}");
            }
            Some(ErrorMode::Collect) => self.failures.push(Failure { index, error: error.clone() }),
            None => {}
        }
        Failure { index, error }
    }

    /// Notes an item that is given up on its way.
    pub(crate) fn cancel_item(&mut self, index: usize, totals: &mut RunTotals) {
        totals.cancelled += 1;
        self.run.notify(|observer| observer.item_finished(self.run.id(), index, &Outcome::Cancelled));
    }

    /// Notes an item that came out at the end.
    #[inline]
    pub(crate) fn finish_item(&mut self, index: usize) {
        self.items_out += 1;
        if self.observed {
            self.run.notify(|observer| observer.item_finished(self.run.id(), index, &Outcome::Done));
        }
    }

    /// The report, when all is done.
    pub(crate) fn report(&mut self, totals: &RunTotals, plan: &Plan) -> Report {
        let counters = self.counters;
        let snapshots = counters.metrics().iter().map(Snapshot::of).collect();
        Report {
            run: self.run.id(),
            stages: totals.stage_reports(plan.counted(), snapshots),
            items_in: self.items_in,
            items_out: self.items_out,
            items_failed: self.items_failed,
            items_cancelled: to_usize(totals.cancelled),
            rows_isolated: self.rows_isolated,
            letters_lost: self.delivery.as_ref().map_or(0, DeliveryQueue::lost),
            observer_panics: to_usize(counters.observer_panics() + totals.observer_panics),
            elapsed: counters.elapsed(),
            failures: std::mem::take(&mut self.failures),
        }
    }
}
