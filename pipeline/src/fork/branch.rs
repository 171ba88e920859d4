//! `Branch`: a branch of a fork. `ByValue`: a step in it that is not a stage function.

use std::future::Future;
use std::task::ready;

use super::args::{ArgList, Args, CallArgs, TakesArgs};
use super::passing::Move;
use crate::call::mechanism::Mechanism;
use crate::call::observe::Observe;
use crate::call::stage_context::StageContext;
use crate::chain::{Calls, Chain, Running2, Variants2};
use crate::error::stage_error::StageError;
use crate::stage::contract::{Accepts, Stage};
use crate::stage::plan::Plan;

/// A branch of a fork: its first step, whose input the other branches share, and the steps after it.
#[derive(Debug, Clone)]
pub struct Branch<F, R> {
    first: F,
    rest: Chain<R>,
}

impl<F, R> Branch<F, R> {
    pub(crate) fn new(first: F, rest: Chain<R>) -> Self {
        Self { first, rest }
    }
}

impl<In, F, R> TakesArgs<(In,)> for Branch<F, R>
where
    F: TakesArgs<(In,)>,
    Chain<R>: Accepts<F::Out>,
{
    type Out = <Chain<R> as Accepts<F::Out>>::Out;
    type ArgModes = F::ArgModes;

    /// Does nothing: the steps are registered one by one.
    fn register(&mut self, _: &mut Plan) {}
}

impl<In, S, C, F, R> CallArgs<(In,), S, C> for Branch<F, R>
where
    In: Send,
    S: Send + Sync,
    C: Mechanism,
    F: CallArgs<(In,), S, C, Out: Send>,
    Chain<R>: Stage<F::Out, S, C>,
{
    #[inline]
    fn call_with<'r, 'a, O: Observe>(
        &'r self,
        observe: O,
        args: Args<'a, (In,), Self>,
        cx: &'r StageContext<'_, S, C>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send
    where
        (In,): 'a,
    {
        let call = self.first.call_with(observe, args, cx);
        Calls::new(&self.rest, observe, cx, Running2::A { call }, |mut running, rest, observe, cx, task| {
            if let Variants2::A { call } = running.as_mut().project() {
                let value = ready!(call.poll(task))?;
                let call = rest.__call(observe, value, cx);
                running.set(Running2::B { call });
            }
            match running.project() {
                Variants2::B { call } => call.poll(task),
                Variants2::A { .. } => unreachable!("the rest follows the first step"),
            }
        })
    }
}

/// A step that is not a stage function. It takes its arguments by value.
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
        }

        impl<$($value: Send,)* S: Send + Sync, Z: Mechanism, F> CallArgs<($($value,)*), S, Z> for ByValue<F>
        where
            F: Stage<<($($value,)*) as ArgList>::AsInput, S, Z>,
        {
            #[inline]
            fn call_with<'r, 'a, O: Observe>(
                &'r self,
                observe: O,
                args: Args<'a, ($($value,)*), Self>,
                cx: &'r StageContext<'_, S, Z>,
            ) -> impl Future<Output = Result<Self::Out, StageError>> + Send
            where
                ($($value,)*): 'a,
            {
                self.0.__call(observe, ArgList::into_input(args), cx)
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
