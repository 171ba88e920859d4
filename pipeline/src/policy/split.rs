//! `split_on_failure`: halves a failed batch and calls the stage on each half, down to the single rows that fail.

use std::sync::Arc;

use super::gate::Gate;
use super::merge::Merge;
use super::retry::call_with_kept;
use super::stage_use::StageUse;
use crate::call::stage_context::PlainContext;
use crate::error::panic_origin::{CallSite, PanicGuard};
use crate::error::stage_error::{Row, StageError};
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

/// Calls a stage on a batch. If all attempts fail, halves the batch and calls the stage on each half.
///
/// Rows that fail alone are recorded in the item, and the run reports them. The other outputs are merged.
///
/// # Errors
///
/// Returns the error of the last row if all rows failed.
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
    let site = CallSite { stage: stage.policy.name, step: cx.step(stage.step), attempt: 1, waiting: false };
    let batch = PanicGuard::guard(site, || F::split(input));
    let of = batch.rows().__len();
    // A stack of the parts to call, each with the index of its first row.
    let mut parts = vec![(0, batch)];
    let mut merged: Option<F::Value> = None;
    let mut failed: Option<StageError> = None;
    while let Some((index, mut part)) = parts.pop() {
        match call_with_kept(stage, copy, &part, cx).await {
            Ok(output) => match &mut merged {
                Some(merged) => PanicGuard::guard(site, || merged.merge(output)),
                None => merged = Some(output),
            },
            Err(_) if part.rows().__len() > 1 => {
                let half = PanicGuard::guard(site, || part.halve());
                parts.push((index + part.rows().__len(), half));
                parts.push((index, part));
            }
            Err(error) => {
                let error = if of > 1 { error.on_row(Row { index, of }) } else { error };
                if let Some(previous) = failed.replace(error) {
                    cx.item().isolate(previous);
                }
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
        (None, Some(last)) => Err(last),
        (None, None) => unreachable!("each part of a batch succeeds or fails"),
    }
}
