//! Steps that take values which others want, too: what a fork calls.

use std::future::Future;

use super::passing::PassMode;
use crate::call::mechanism::Mechanism;
use crate::call::observe::Observe;
use crate::call::stage_context::StageContext;
use crate::error::stage_error::StageError;
use crate::policy::gate::Gate;
use crate::policy::stage_use::StageUse;
use crate::stage::plan::Plan;

/// The values that a call takes, as a tuple, and as the one input that they are.
pub trait ArgList {
    /// Nothing, one value, or the tuple of several.
    type AsInput;

    /// The input.
    fn as_input(self) -> Self::AsInput;
}

/// The ways in which a call has its values.
pub trait ArgModes<L> {
    /// What it has of them.
    type Args<'a>: Send
    where
        L: 'a;
}

/// What a call has of its values.
pub type Args<'a, L, F> = <<F as TakesArgs<L>>::ArgModes as ArgModes<L>>::Args<'a>;

macro_rules! list {
    ($($value:ident $mode:ident),*) => {
        impl<$($value),*> ArgList for ($($value,)*) {
            type AsInput = list!(@one $($value)*);

            #[inline]
            fn as_input(self) -> Self::AsInput {
                #[allow(non_snake_case)]
                let ($($value,)*) = self;
                list!(@one $($value)*)
            }
        }

        impl<$($value, $mode: PassMode<$value>),*> ArgModes<($($value,)*)> for ($($mode,)*) {
            type Args<'a>
                = ($($mode::Arg<'a>,)*)
            where
                ($($value,)*): 'a;
        }
    };
    (@one $one:ident) => { $one };
    (@one $($several:ident)*) => { ($($several),*) };
}

list!();

list!(A M);

list!(A M, B N);

list!(A M, B N, C O);

list!(A M, B N, C O, D P);

list!(A M, B N, C O, D P, E Q);

list!(A M, B N, C O, D P, E Q, F R);

list!(A M, B N, C O, D P, E Q, F R, G S);

list!(A M, B N, C O, D P, E Q, F R, G S, H T);

/// How a step takes its values: the types alone. What else there is to it, it has as one that [`Accepts`](crate::Accepts) an input.
pub trait TakesArgs<L> {
    /// What comes out.
    type Out;
    /// [`Borrow`](super::Borrow) or [`Move`](super::Move), for each value.
    type ArgModes: ArgModes<L>;

    /// See [`Accepts`](crate::Accepts).
    fn register(&mut self, plan: &mut Plan);
}

/// A step that can be called with values that other calls use too.
pub trait CallArgs<L, S, C: Mechanism>: TakesArgs<L> + Send + Sync {
    /// Calls it.
    fn call_with<'a, O: Observe>(
        &self,
        observe: O,
        args: Args<'a, L, Self>,
        cx: &StageContext<'_, S, C>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send
    where
        L: 'a;
}

/// A stage function that can be called with such values under another policy than its own, by the strategy `A`.
pub trait CallWithPolicy<L, S, C: Mechanism, A>: TakesArgs<L> + Send + Sync {
    /// Calls it.
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
