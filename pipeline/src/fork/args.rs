//! `CallArgs`: calls of steps with arguments that other calls may use too.

use std::future::Future;

use super::passing::PassMode;
use crate::call::mechanism::Mechanism;
use crate::call::observe::Observe;
use crate::call::stage_context::StageContext;
use crate::error::stage_error::StageError;
use crate::policy::gate::Gate;
use crate::policy::stage_use::StageUse;
use crate::stage::plan::Plan;

/// The argument list of a call, as a tuple.
pub trait ArgList {
    /// The input of the step: `()`, the one value, or a tuple of several.
    type AsInput;

    /// Converts the arguments to the input.
    fn into_input(self) -> Self::AsInput;
}

/// How a call receives its arguments: a [`PassMode`] for each.
pub trait ArgModes<L> {
    /// The arguments: references or values.
    type Args<'a>: Send
    where
        L: 'a;
}

/// The arguments of a call of `F`: references or values.
pub type Args<'a, L, F> = <<F as TakesArgs<L>>::ArgModes as ArgModes<L>>::Args<'a>;

macro_rules! arg_list {
    ($($value:ident $mode:ident),*) => {
        impl<$($value),*> ArgList for ($($value,)*) {
            type AsInput = arg_list!(@input $($value)*);

            #[inline]
            fn into_input(self) -> Self::AsInput {
                #[allow(non_snake_case)]
                let ($($value,)*) = self;
                arg_list!(@input $($value)*)
            }
        }

        impl<$($value, $mode: PassMode<$value>),*> ArgModes<($($value,)*)> for ($($mode,)*) {
            type Args<'a>
                = ($($mode::Arg<'a>,)*)
            where
                ($($value,)*): 'a;
        }
    };
    (@input $one:ident) => { $one };
    (@input $($several:ident)*) => { ($($several),*) };
}

arg_list!();

arg_list!(A M);

arg_list!(A M, B N);

arg_list!(A M, B N, C O);

arg_list!(A M, B N, C O, D P);

arg_list!(A M, B N, C O, D P, E Q);

arg_list!(A M, B N, C O, D P, E Q, F R);

arg_list!(A M, B N, C O, D P, E Q, F R, G S);

arg_list!(A M, B N, C O, D P, E Q, F R, G S, H T);

/// The output of a step, and how it receives its arguments: the counterpart of [`Accepts`](crate::Accepts).
pub trait TakesArgs<L> {
    /// The output.
    type Out;
    /// [`Borrow`](super::passing::Borrow) or [`Move`](super::passing::Move), for each argument.
    type ArgModes: ArgModes<L>;

    /// Adds the step to the plan.
    fn register(&mut self, plan: &mut Plan);
}

/// A step that can be called with arguments that other calls use too.
pub trait CallArgs<L, S, C: Mechanism>: TakesArgs<L> + Send + Sync {
    /// Calls the step.
    fn call_with<'r, 'a, O: Observe>(
        &'r self,
        observe: O,
        args: Args<'a, L, Self>,
        cx: &'r StageContext<'_, S, C>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send
    where
        L: 'a;
}

/// A stage function that can be called with such arguments under an overridden policy, by the strategy `A`.
pub trait CallWithPolicy<L, S, C: Mechanism, A>: TakesArgs<L> + Send + Sync {
    /// Calls the stage.
    fn call_with_policy<'a, G: Gate, O: Observe>(
        stage: StageUse<'_, Self, G>,
        strategy: A,
        observe: O,
        args: Args<'a, L, Self>,
        cx: &StageContext<'_, S, C>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send
    where
        Self: Sized,
        L: 'a;
}
