//! `First`: alternatives, tried in order until one succeeds: `(primary | mirror | cache)`.

use std::future::Future;

use super::args::{CallArgs, TakesArgs};
use super::passing::{Input, SharedInput, ValueCell};
use super::step::{Branches, Branching};
use crate::call::mechanism::Mechanism;
use crate::call::observe::Observe;
use crate::call::stage_context::StageContext;
use crate::error::kind::ErrorKind;
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::run::item::Item;

/// Alternatives that are tried in order with one item until one succeeds: the form `(primary | mirror)`.
///
/// If an alternative panics, no other is tried, because a panic is a bug and not an outage.
#[derive(Debug, Clone)]
pub struct First<B, const N: usize> {
    branches: B,
    heads: [StepId; N],
    end: StepId,
}

impl<B, const N: usize> First<B, N> {
    pub(crate) fn new(branches: B, heads: [StepId; N], end: StepId) -> Self {
        Self { branches, heads, end }
    }
}

/// The failures of the alternatives tried so far.
struct FailedAlternatives<'a> {
    item: &'a Item<'a>,
    failed: Vec<StageError>,
}

impl<'a> FailedAlternatives<'a> {
    #[inline]
    fn new(item: &'a Item<'a>) -> Self {
        Self { item, failed: Vec::new() }
    }

    /// Records a failure, and returns it if no other alternative is to be tried.
    ///
    /// The alternative has the steps between the marks `from` and `to`. Their isolated rows are removed.
    #[cold]
    fn record(&mut self, error: StageError, from: StepId, to: StepId) -> Result<(), StageError> {
        if error.kind() == ErrorKind::Panicked {
            return Err(self.last(error));
        }
        self.item.forget_isolated(&(from.index()..to.index()));
        if let Some(metrics) = self.item.run().metrics(error.step()) {
            metrics.failed.add(1);
        }
        self.failed.push(error);
        Ok(())
    }

    /// The error of the last alternative, with the failures of the others.
    #[cold]
    fn last(&mut self, error: StageError) -> StageError {
        // Most panics unwind through here without their alternatives, so no panic has them.
        if error.kind() == ErrorKind::Panicked {
            return error;
        }
        error.after_alternatives(std::mem::take(&mut self.failed))
    }
}

macro_rules! first {
    ($count:literal: $($branch:ident $mode:ident $index:tt),*; $last:ident $last_mode:ident $last_index:tt) => {
        impl<In, $($branch,)* $last> Branches<In> for First<($($branch,)* $last), $count>
        where
            $($branch: TakesArgs<(In,), Out = $last::Out>,)*
            $last: TakesArgs<(In,), Out: Send>,
        {
            type Out = $last::Out;
        }

        impl<In, S, Z, $($branch, $mode,)* $last, $last_mode> Branching<In, S, Z> for First<($($branch,)* $last), $count>
        where
            In: Send,
            S: Send + Sync,
            Z: Mechanism,
            $(
                $branch: CallArgs<(In,), S, Z> + TakesArgs<(In,), ArgModes = ($mode,), Out = $last::Out>,
                $mode: SharedInput<In>,
            )*
            $last: CallArgs<(In,), S, Z> + TakesArgs<(In,), ArgModes = ($last_mode,), Out: Send>,
            $last_mode: Input<In>,
        {
            fn go<'r, Obs: Observe>(
                &'r self,
                observe: Obs,
                input: In,
                cx: StageContext<'r, S, Z>,
            ) -> impl Future<Output = Result<$last::Out, StageError>> + Send {
                async move {
                    let cx = &cx;
                    let mut input = ValueCell::new(input);
                    let mut failed = FailedAlternatives::new(cx.item());
                    $(
                        cx.passes(self.heads[$index]);
                        let (arg, ()) = input.share::<($mode, ())>();
                        match self.branches.$index.call_with(observe, (arg,), cx).await {
                            Ok(value) => {
                                cx.passes(self.end);
                                return Ok(value);
                            }
                            Err(error) => {
                                let (from, to) = (self.heads[$index], self.heads[$index + 1]);
                                failed.record(error, cx.step(from), cx.step(to))?;
                            }
                        }
                    )*
                    cx.passes(self.heads[$last_index]);
                    let ((), arg) = input.give::<(), $last_mode>();
                    match self.branches.$last_index.call_with(observe, (arg,), cx).await {
                        Ok(value) => {
                            cx.passes(self.end);
                            Ok(value)
                        }
                        Err(error) => Err(failed.last(error)),
                    }
                }
            }
        }
    };
}

first!(2: A M 0; B N 1);

first!(3: A M 0, B N 1; C O 2);

first!(4: A M 0, B N 1, C O 2; D P 3);

first!(5: A M 0, B N 1, C O 2, D P 3; E Q 4);

first!(6: A M 0, B N 1, C O 2, D P 3, E Q 4; F R 5);

first!(7: A M 0, B N 1, C O 2, D P 3, E Q 4, F R 5; G T 6);

first!(8: A M 0, B N 1, C O 2, D P 3, E Q 4, F R 5, G T 6; H U 7);
