//! A batch that fails for good is halved, and the halves are tried, until what fails stands alone.

use std::sync::Arc;

use super::gate::Gate;
use super::merge::Merge;
use super::retry::lent;
use super::stage_use::StageUse;
use crate::call::stage_context::PlainContext;
use crate::error::panic_origin::CallSite;
use crate::error::panic_origin::PanicGuard;
use crate::error::stage_error::Row;
use crate::error::stage_error::StageError;
use crate::stage::function::Repeat;
use crate::stage::function::Split;

/// What a stage with `split_on_failure` takes: a batch that can be halved.
#[diagnostic::on_unimplemented(
    message = "`split_on_failure` halves a batch of rows, and `{Self}` cannot be halved",
    label = "not a batch",
    note = "take the rows as one parameter, `Vec<T>` or `&[T]`; on a `blocking` stage the rows have to be `Clone`"
)]
pub trait Rows: Sized {
    /// How many rows there are.
    #[doc(hidden)]
    fn __len(&self) -> usize;

    /// The second half, taken off.
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

/// A thread that took too long may still hold the rows, so these are copied.
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

/// A batch as a stage keeps it between attempts: what is lent, and what moves.
pub trait Halves: Sized {
    /// The batch.
    type Rows: Rows;

    /// The batch itself.
    fn rows(&self) -> &Self::Rows;

    /// The second half, taken off.
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

/// A call of a stage on a batch, whose parts are tried by themselves when it fails for good.
///
/// Rows that fail alone are left with the item, for the run's books; what the others gave is put together.
///
/// # Errors
///
/// The failure of the last row, if none is left.
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
    F::Kept: Halves + Sync,
    F::Value: Merge + Send,
    G: Gate,
{
    let site = CallSite { stage: stage.policy.name, step: cx.step(stage.step), attempt: 1, waiting: false };
    let whole = PanicGuard::guard(site, || F::keep(input));
    let of = whole.rows().__len();
    // What is to be tried, and where it began; the first part last.
    let mut parts = vec![(0, whole)];
    let mut merged: Option<F::Value> = None;
    let mut failed: Option<StageError> = None;
    while let Some((index, mut part)) = parts.pop() {
        match lent(stage, copy, &part, cx).await {
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
                if let Some(before) = failed.replace(error) {
                    cx.item().isolate(before);
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
        // The rest was isolated, so this one stands for the batch.
        (None, Some(last)) => Err(last),
        (None, None) => unreachable!("a batch either gives something or fails"),
    }
}
