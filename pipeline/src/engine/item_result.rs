//! What came of one item.

use std::any::Any;

use crate::call::catch_panic::panic_failure;
use crate::error::stage_error::StageError;
use crate::run::item::Item;

/// What comes of an item on its way through a chain.
pub(crate) type ItemResult<T> = Result<T, ItemFailure<T>>;

/// An item that did not simply come out.
pub(crate) enum ItemFailure<T> {
    Failed(StageError),
    /// Rows of it failed by themselves; the rest came out, or failed later.
    Partial(Box<(Result<T, StageError>, Vec<StageError>)>),
}

/// What comes of an item whose chain is through, apart from the plain case.
#[cold]
#[inline(never)]
pub(super) fn item_result<T>(result: Result<T, StageError>, item: &Item<'_>) -> ItemResult<T> {
    let rows = item.isolated();
    if !rows.is_empty() {
        return Err(ItemFailure::Partial(Box::new((result, rows))));
    }
    result.map_err(ItemFailure::Failed)
}

/// The result of an item that runs alone: there is nobody to be told of single rows, so the first of them is its failure.
#[cold]
#[inline(never)]
pub(crate) fn single_result<T>(
    outcome: Result<Result<T, StageError>, Box<dyn Any + Send>>,
    item: &Item<'_>,
) -> Result<T, StageError> {
    let outcome = outcome.unwrap_or_else(|payload| Err(panic_failure(item.run(), payload)));
    match item_result(outcome, item) {
        Ok(value) => Ok(value),
        Err(ItemFailure::Failed(error)) => Err(error),
        Err(ItemFailure::Partial(partial)) => {
            let (value, rows) = *partial;
            rows.into_iter().next().map_or(value, Err)
        }
    }
}
