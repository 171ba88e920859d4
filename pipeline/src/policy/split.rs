//! `split_on_failure`: halves a failed batch and calls the stage on each half, down to the single rows that fail.

use std::num::NonZeroU32;
use std::sync::Arc;

use super::gate::Gate;
use super::merge::Merge;
use super::retry::call_with_kept;
use super::stage_use::StageUse;
use crate::call::stage_context::PlainContext;
use crate::error::panic_origin::{CallSite, PanicGuard};
use crate::error::stage_error::{Row, StageError};
use crate::stage::attribute::Policy;
use crate::stage::function::{Repeat, Split};

/// The batch of a stage with `split_on_failure`, which can be halved.
#[diagnostic::on_unimplemented(
    message = "`split_on_failure` needs a batch that can be halved, and `{Self}` cannot be",
    label = "not a batch",
    note = "take the rows as one parameter, `Vec<T>` or `&[T]`; on a `blocking` stage the rows have to be `Clone`"
)]
pub trait Rows: Sized {
    /// The number of rows.
    #[doc(hidden)]
    fn __len(&self) -> usize;

    /// Splits off the second half.
    #[doc(hidden)]
    #[must_use]
    fn __halve(&mut self) -> Self;
}

impl<T> Rows for Vec<T> {
    fn __len(&self) -> usize {
        self.len()
    }

    fn __halve(&mut self) -> Self {
        self.split_off(self.len() / 2)
    }
}

/// The rows are cloned, because the thread of a timed-out attempt may still hold them.
impl<T: Clone> Rows for Arc<Vec<T>> {
    fn __len(&self) -> usize {
        self.len()
    }

    fn __halve(&mut self) -> Self {
        let mut rows = Vec::clone(self);
        let half = rows.split_off(rows.len() / 2);
        *self = Arc::new(rows);
        Arc::new(half)
    }
}

/// A batch as it is kept between attempts: a tuple of the borrowed arguments and the moved ones.
pub trait Halves: Sized {
    /// The batch.
    type Rows: Rows;

    /// The rows.
    fn rows(&self) -> &Self::Rows;

    /// Splits off the second half.
    #[must_use]
    fn halve(&mut self) -> Self;
}

impl<R: Rows> Halves for ((R,), ()) {
    type Rows = R;

    fn rows(&self) -> &R {
        &self.0.0
    }

    fn halve(&mut self) -> Self {
        ((self.0.0.__halve(),), ())
    }
}

impl<R: Rows> Halves for ((), (R,)) {
    type Rows = R;

    fn rows(&self) -> &R {
        &self.1.0
    }

    fn halve(&mut self) -> Self {
        ((), (self.1.0.__halve(),))
    }
}

/// Calls a stage on a batch. If all attempts fail and the failure is worth it, halves the batch and calls the stage on each half.
///
/// A failure is worth it if `split_if` says so. Without `split_if`, those that `retry_if` retries are not, and all others are;
/// a timeout never is. The parts do not repeat the retries of the whole, unless `retry_if` chooses what is retried. After
/// `split_limit` parts in a row without a success, the rest fails as it is.
///
/// Rows that fail in a part are recorded in the item, and the run reports them. The other outputs are merged.
///
/// # Errors
///
/// Returns the error of the batch if it was not split, and the error of the last row if all rows failed.
pub(crate) async fn splitting<F, In, S, G>(
    stage: StageUse<'_, F, G>,
    Split(copy): Split<F::Moved>,
    input: In,
    cx: &PlainContext<'_, S>,
) -> Result<F::Value, StageError>
where
    In: Send,
    S: Send + Sync,
    F: Repeat<In, S>,
    F::Moved: Sync,
    (F::Borrowed, F::Moved): Halves,
    F::Value: Merge + Send,
    G: Gate,
{
    let policy = stage.policy;
    let site = CallSite { stage: policy.name, step: cx.step(*stage.step), attempt: 1, waiting: false };
    let mut batch = PanicGuard::guard(site, || F::split(input));
    let of = batch.rows().__len();
    let first = match call_with_kept(stage, copy, &batch, cx).await {
        Ok(output) => return Ok(output),
        Err((error, true)) if of > 1 => error,
        Err((error, _)) => return Err(error),
    };
    let retries = if policy.retry_if { policy.retries } else { 0 };
    let part_policy = Policy { retries, ..*policy };
    let stage = StageUse { policy: &part_policy, ..stage };
    let mut failures_left = policy.split_limit.map_or(u32::MAX, NonZeroU32::get);
    let half = PanicGuard::guard(site, || batch.halve());
    // A stack of the parts to call, each with the index of its first row.
    let mut parts = vec![(batch.rows().__len(), half), (0, batch)];
    let mut merged: Option<F::Value> = None;
    let mut failed: Option<StageError> = None;
    let mut last = first;
    while let Some((index, mut part)) = parts.pop() {
        let rows = part.rows().__len();
        if failures_left > 0 {
            match call_with_kept(stage, copy, &part, cx).await {
                Ok(output) => {
                    failures_left = policy.split_limit.map_or(u32::MAX, NonZeroU32::get);
                    match &mut merged {
                        Some(merged) => PanicGuard::guard(site, || merged.merge(output)),
                        None => merged = Some(output),
                    }
                    continue;
                }
                Err((error, worth_splitting)) => {
                    last = error;
                    failures_left -= 1;
                    if worth_splitting && rows > 1 && failures_left > 0 {
                        let half = PanicGuard::guard(site, || part.halve());
                        parts.push((index + part.rows().__len(), half));
                        parts.push((index, part));
                        continue;
                    }
                }
            }
        }
        for index in index..index + rows {
            if let Some(previous) = failed.replace(last.clone().on_row(Row { index, of })) {
                cx.item().isolate(previous);
            }
        }
    }
    match (merged, failed) {
        (Some(merged), None) => Ok(merged),
        (Some(merged), Some(last)) => {
            cx.item().isolate(last);
            Ok(merged)
        }
        // The errors of the other rows are isolated; the last one fails the item.
        (None, failed) => Err(failed.unwrap_or(last)),
    }
}
