//! `Sink`: receives the results of a run. One implementation per verb.

use std::task::Context;

use super::swept::{SweepEnd, Swept, collect, discard};

use crate::error::stage_error::StageError;
use crate::report::summary::ReportSlot;

/// Collects the outputs, for `collect`.
pub(crate) struct CollectSink<T>(pub(crate) Vec<T>);

impl<T> Sink<T> for CollectSink<T> {
    #[inline]
    fn has_room(&mut self, _: &mut Context<'_>) -> bool {
        true
    }

    #[inline]
    fn push(&mut self, _: usize, result: Result<T, StageError>) -> bool {
        self.0.extend(result.ok());
        false
    }

    fn has_sweeps(&self) -> bool {
        true
    }

    fn sweep(&mut self, outputs: impl Iterator<Item = T>, expected: usize) -> Swept {
        collect(&mut self.0, outputs, expected)
    }
}

/// Discards the outputs, for `drain`.
pub(crate) struct DiscardSink;

impl<T> Sink<T> for DiscardSink {
    #[inline]
    fn has_room(&mut self, _: &mut Context<'_>) -> bool {
        true
    }

    #[inline]
    fn push(&mut self, _: usize, _: Result<T, StageError>) -> bool {
        false
    }

    fn has_sweeps(&self) -> bool {
        true
    }

    fn sweep(&mut self, outputs: impl Iterator<Item = T>, _: usize) -> Swept {
        discard(outputs)
    }
}

/// Stores each result at the index of its input, for `settle`. Results arrive in any order.
pub(crate) struct IndexedSink<T> {
    pub(crate) results: Vec<Option<Result<T, StageError>>>,
}

impl<T> Sink<T> for IndexedSink<T> {
    fn has_room(&mut self, _: &mut Context<'_>) -> bool {
        true
    }

    fn push(&mut self, index: usize, result: Result<T, StageError>) -> bool {
        if self.results.len() <= index {
            self.results.resize_with(index + 1, || None);
        }
        // A result that is already there is the failure of a row, which fails the item.
        self.results[index].get_or_insert(result);
        false
    }
}

/// Receives the results of a run.
pub trait Sink<T> {
    /// Whether another result fits. If not, the task of `cx` is woken once it does.
    fn has_room(&mut self, cx: &mut Context<'_>) -> bool;

    /// Receives the result of the item at this index. Returns true if the run must be aborted.
    fn push(&mut self, index: usize, result: Result<T, StageError>) -> bool;

    /// Receives the failure of an isolated row, whose batch goes on. Returns true if the run must be aborted.
    fn push_row(&mut self, index: usize, error: StageError) -> bool {
        self.push(index, Err(error))
    }

    /// Whether it takes the outputs of [sweeps](Self::sweep). It always has room for them.
    fn has_sweeps(&self) -> bool {
        false
    }

    /// Receives the outputs of consecutive items, all of which succeeded. So many more are `expected` in this run.
    fn sweep(&mut self, outputs: impl Iterator<Item = T>, expected: usize) -> Swept
    where
        Self: Sized,
    {
        let _ = (outputs, expected);
        Swept { items: 0, end: SweepEnd::Through }
    }

    /// Makes the pushed results visible to the reader. Called at the end of each poll.
    fn flush(&mut self) {}

    /// Where the report goes if the run is dropped, if somebody can still read it then.
    fn report_of_dropped_run(&self) -> Option<ReportSlot> {
        None
    }
}

impl<T, K: Sink<T> + ?Sized> Sink<T> for &mut K {
    fn has_room(&mut self, cx: &mut Context<'_>) -> bool {
        K::has_room(self, cx)
    }

    fn push(&mut self, index: usize, result: Result<T, StageError>) -> bool {
        K::push(self, index, result)
    }

    fn push_row(&mut self, index: usize, error: StageError) -> bool {
        K::push_row(self, index, error)
    }

    fn flush(&mut self) {
        K::flush(self);
    }

    fn report_of_dropped_run(&self) -> Option<ReportSlot> {
        K::report_of_dropped_run(self)
    }
}
