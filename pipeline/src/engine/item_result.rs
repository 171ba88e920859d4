//! The result of one item in a chain of stages.

use std::any::Any;

use crate::call::catch_panic::panic_failure;
use crate::error::stage_error::StageError;
use crate::run::item::Item;

/// The result of one item in a chain of stages. The failure is boxed, so that a result of a number or a pointer is returned in two
/// registers: through memory it would take several nanoseconds more.
pub(crate) type ItemResult<T> = Result<T, Box<ItemFailure<T>>>;

/// An item that failed, or some of whose rows did.
pub(crate) enum ItemFailure<T> {
    Failed(StageError),
    /// Rows were isolated. With the result of the other rows, and the errors of the isolated ones.
    Partial {
        result: Result<T, StageError>,
        rows: Vec<StageError>,
    },
}

/// The result of an item that failed, or has extra data. (A plain success takes the fast path.)
#[cold]
#[inline(never)]
pub(super) fn item_result<T>(result: Result<T, StageError>, item: &Item<'_>) -> ItemResult<T> {
    let rows = item.isolated();
    if !rows.is_empty() {
        return Err(ItemFailure::Partial { result, rows }.into());
    }
    result.map_err(|error| ItemFailure::Failed(error).into())
}

/// The result of a single-item run. It has no report of isolated rows, so the first of them fails the item.
#[cold]
#[inline(never)]
pub(crate) fn single_result<T>(
    result: Result<Result<T, StageError>, Box<dyn Any + Send>>,
    item: &Item<'_>,
) -> Result<T, StageError> {
    let result = result.unwrap_or_else(|payload| Err(panic_failure(item.run(), payload)));
    item_result(result, item).or_else(|failure| match *failure {
        ItemFailure::Failed(error) => Err(error),
        ItemFailure::Partial { result, rows } => rows.into_iter().next().map_or(result, Err),
    })
}
