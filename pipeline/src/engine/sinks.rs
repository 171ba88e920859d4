//! Where the outputs of a run go.

use std::task::Context;

use crate::error::stage_error::StageError;

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
}

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
}

/// Results in the places of their inputs, in whatever order they come.
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
        // Where a row failed before, the item has.
        self.results[index].get_or_insert(result);
        false
    }
}

/// Where the results of a line go.
pub trait Sink<T> {
    /// Whether there is room for one more.
    fn has_room(&mut self, cx: &mut Context<'_>) -> bool;

    /// Takes a result; and says whether that is all it wants.
    fn push(&mut self, index: usize, result: Result<T, StageError>) -> bool;

    /// Takes the failure of a row of an item that goes on.
    fn row(&mut self, index: usize, error: StageError) -> bool {
        self.push(index, Err(error))
    }

    /// The turn is over: what was put is to be seen.
    fn flush(&mut self) {}
}

impl<T, K: Sink<T> + ?Sized> Sink<T> for &mut K {
    fn has_room(&mut self, cx: &mut Context<'_>) -> bool {
        K::has_room(self, cx)
    }

    fn push(&mut self, index: usize, result: Result<T, StageError>) -> bool {
        K::push(self, index, result)
    }

    fn row(&mut self, index: usize, error: StageError) -> bool {
        K::row(self, index, error)
    }

    fn flush(&mut self) {
        K::flush(self);
    }
}
