//! A branch of a fork, and steps in it that are no stage functions.

use std::future::Future;

use super::args::ArgList;
use super::args::Args;
use super::args::CallArgs;
use super::args::TakesArgs;
use super::passing::Move;
use crate::call::caller::Caller;
use crate::call::caller::ObservedCaller;
use crate::call::caller::Unobserved;
use crate::call::stage_context::StageContext;
use crate::chain::Chain;
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::stage::contract::Accepts;
use crate::stage::contract::Stage;
use crate::stage::plan::Plan;

/// A branch of a fork: a step that takes what the others take, too, and what follows it.
#[derive(Debug, Clone)]
pub struct Branch<F, R> {
    first: F,
    rest: Chain<R>,
}

impl<F, R> Branch<F, R> {
    pub(crate) fn new(first: F, rest: Chain<R>) -> Self {
        Self { first, rest }
    }

    #[allow(clippy::manual_async_fn)] // Of an `async fn` rustc does not see that it is `Send`.
    #[inline]
    fn go<'a, In, S, C>(
        &self,
        caller: C,
        args: Args<'a, (In,), F>,
        cx: &StageContext<'_, S>,
    ) -> impl Future<Output = Result<<Chain<R> as Accepts<F::Out>>::Out, StageError>> + Send
    where
        In: Send + 'a,
        S: Send + Sync,
        C: Caller,
        F: CallArgs<(In,), S, Out: Send>,
        Chain<R>: Stage<F::Out, S>,
    {
        async move {
            let value = caller.call_with(&self.first, args, cx).await?;
            caller.call(&self.rest, value, cx).await
        }
    }
}

impl<In, F, R> TakesArgs<(In,)> for Branch<F, R>
where
    F: TakesArgs<(In,)>,
    Chain<R>: Accepts<F::Out>,
{
    type Out = <Chain<R> as Accepts<F::Out>>::Out;
    type ArgModes = F::ArgModes;

    /// Its steps have their places.
    fn register(&mut self, _: &mut Plan) {}

    fn label(&self) -> Option<(&'static str, StepId)> {
        None
    }
}

impl<In, S, F, R> CallArgs<(In,), S> for Branch<F, R>
where
    In: Send,
    S: Send + Sync,
    F: CallArgs<(In,), S, Out: Send>,
    Chain<R>: Stage<F::Out, S>,
{
    #[inline]
    fn call_with<'a>(
        &self,
        args: Args<'a, (In,), Self>,
        cx: &StageContext<'_, S>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send
    where
        (In,): 'a,
    {
        self.go(Unobserved, args, cx)
    }

    fn call_with_observed<'a>(
        &self,
        args: Args<'a, (In,), Self>,
        cx: &StageContext<'_, S>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send
    where
        (In,): 'a,
    {
        self.go(ObservedCaller, args, cx)
    }
}

/// A step that is not a stage function: what it takes is its own.
#[derive(Debug, Clone)]
pub struct ByValue<F>(pub F);

macro_rules! by_value {
    ($($value:ident $moved:ident),*) => {
        impl<$($value: Send,)* F> TakesArgs<($($value,)*)> for ByValue<F>
        where
            F: Accepts<<($($value,)*) as ArgList>::AsInput>,
        {
            type Out = F::Out;
            type ArgModes = ($($moved,)*);

            fn register(&mut self, plan: &mut Plan) {
                self.0.__register(plan);
            }

            fn label(&self) -> Option<(&'static str, StepId)> {
                self.0.__label()
            }
        }

        impl<$($value: Send,)* S: Send + Sync, F> CallArgs<($($value,)*), S> for ByValue<F>
        where
            F: Stage<<($($value,)*) as ArgList>::AsInput, S>,
        {
            #[inline]
            fn call_with<'a>(
                &self,
                args: Args<'a, ($($value,)*), Self>,
                cx: &StageContext<'_, S>,
            ) -> impl Future<Output = Result<Self::Out, StageError>> + Send
            where
                ($($value,)*): 'a,
            {
                self.0.call(ArgList::as_input(args), cx)
            }

            fn call_with_observed<'a>(
                &self,
                args: Args<'a, ($($value,)*), Self>,
                cx: &StageContext<'_, S>,
            ) -> impl Future<Output = Result<Self::Out, StageError>> + Send
            where
                ($($value,)*): 'a,
            {
                self.0.__call_observed(ArgList::as_input(args), cx)
            }
        }
    };
}

by_value!();

by_value!(A Move);

by_value!(A Move, B Move);

by_value!(A Move, B Move, C Move);

by_value!(A Move, B Move, C Move, D Move);

by_value!(A Move, B Move, C Move, D Move, E Move);

by_value!(A Move, B Move, C Move, D Move, E Move, G Move);

by_value!(A Move, B Move, C Move, D Move, E Move, G Move, H Move);

by_value!(A Move, B Move, C Move, D Move, E Move, G Move, H Move, I Move);
