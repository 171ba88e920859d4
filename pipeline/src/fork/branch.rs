//! A branch of a fork, and steps in it that are no stage functions.

use std::future::Future;

use super::caller::{Caller, Plainly, Watching};
use super::lend::Moved;
use super::takes::{Args, Callable, List, Takes};
use crate::plan::{Plan, Slot};
use crate::{Accepts, Chain, Scope, Stage, StageError};

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
        cx: &Scope<'_, S>,
    ) -> impl Future<Output = Result<<Chain<R> as Accepts<F::Out>>::Out, StageError>> + Send
    where
        In: Send + 'a,
        S: Send + Sync,
        C: Caller,
        F: Callable<(In,), S, Out: Send>,
        Chain<R>: Stage<F::Out, S>,
    {
        async move {
            let value = caller.call_with(&self.first, args, cx).await?;
            caller.call(&self.rest, value, cx).await
        }
    }
}

impl<In, F, R> Takes<(In,)> for Branch<F, R>
where
    F: Takes<(In,)>,
    Chain<R>: Accepts<F::Out>,
{
    type Out = <Chain<R> as Accepts<F::Out>>::Out;
    type Modes = F::Modes;

    /// Its steps have their places.
    fn mount(&mut self, _: &mut Plan) {}

    fn label(&self) -> Option<(&'static str, Slot)> {
        None
    }
}

impl<In, S, F, R> Callable<(In,), S> for Branch<F, R>
where
    In: Send,
    S: Send + Sync,
    F: Callable<(In,), S, Out: Send>,
    Chain<R>: Stage<F::Out, S>,
{
    #[inline]
    fn call_with<'a>(
        &self,
        args: Args<'a, (In,), Self>,
        cx: &Scope<'_, S>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send
    where
        (In,): 'a,
    {
        self.go(Plainly, args, cx)
    }

    fn call_with_watched<'a>(
        &self,
        args: Args<'a, (In,), Self>,
        cx: &Scope<'_, S>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send
    where
        (In,): 'a,
    {
        self.go(Watching, args, cx)
    }
}

/// A step that is not a stage function: what it takes is its own.
#[derive(Debug, Clone)]
pub struct ByValue<F>(pub F);

macro_rules! by_value {
    ($($value:ident $moved:ident),*) => {
        impl<$($value: Send,)* F> Takes<($($value,)*)> for ByValue<F>
        where
            F: Accepts<<($($value,)*) as List>::One>,
        {
            type Out = F::Out;
            type Modes = ($($moved,)*);

            fn mount(&mut self, plan: &mut Plan) {
                self.0.__mount(plan);
            }

            fn label(&self) -> Option<(&'static str, Slot)> {
                self.0.__label()
            }
        }

        impl<$($value: Send,)* S: Send + Sync, F> Callable<($($value,)*), S> for ByValue<F>
        where
            F: Stage<<($($value,)*) as List>::One, S>,
        {
            #[inline]
            fn call_with<'a>(
                &self,
                args: Args<'a, ($($value,)*), Self>,
                cx: &Scope<'_, S>,
            ) -> impl Future<Output = Result<Self::Out, StageError>> + Send
            where
                ($($value,)*): 'a,
            {
                self.0.call(List::one(args), cx)
            }

            fn call_with_watched<'a>(
                &self,
                args: Args<'a, ($($value,)*), Self>,
                cx: &Scope<'_, S>,
            ) -> impl Future<Output = Result<Self::Out, StageError>> + Send
            where
                ($($value,)*): 'a,
            {
                self.0.__call_watched(List::one(args), cx)
            }
        }
    };
}

by_value!();
by_value!(A Moved);
by_value!(A Moved, B Moved);
by_value!(A Moved, B Moved, C Moved);
by_value!(A Moved, B Moved, C Moved, D Moved);
by_value!(A Moved, B Moved, C Moved, D Moved, E Moved);
by_value!(A Moved, B Moved, C Moved, D Moved, E Moved, G Moved);
by_value!(A Moved, B Moved, C Moved, D Moved, E Moved, G Moved, H Moved);
by_value!(A Moved, B Moved, C Moved, D Moved, E Moved, G Moved, H Moved, I Moved);
