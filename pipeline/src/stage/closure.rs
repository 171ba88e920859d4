//! Closures as steps of a pipeline: `|x| …` and `inspect(|x| …)`.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;

use super::contract::{Accepts, Stage};
use super::now::Now;
use super::plan::Plan;
use crate::call::mechanism::Mechanism;
use crate::call::observe::Observe;
use crate::call::stage_context::StageContext;
use crate::call::watch::Watch;
use crate::error::panic_origin::{CallSite, PanicGuard};
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;

/// A closure as a step: `|x: u32| x + 1`. It is synchronous and infallible.
pub struct Closure<In, F> {
    name: &'static str,
    step: StepId,
    function: F,
    input: PhantomData<fn(In)>,
}

impl<In, Out, F> Accepts<In> for Closure<In, F>
where
    Out: Send,
    F: Fn(In) -> Out,
{
    type Out = Out;

    fn __register(&mut self, plan: &mut Plan) {
        self.step = plan.step(self.name);
    }
}

impl<In, Out, S, C, F> Stage<In, S, C> for Closure<In, F>
where
    In: Send,
    Out: Send,
    S: Send + Sync,
    C: Mechanism,
    F: Fn(In) -> Out + Send + Sync,
{
    const __NOW: Now = Now::NeverFails;

    #[inline]
    async fn call(&self, input: In, cx: &StageContext<'_, S, C>) -> Result<Out, StageError> {
        Ok(PanicGuard::guard(CallSite::of(self.name, cx.step(self.step)), || (self.function)(input)))
    }

    #[inline]
    fn __call<'r, O: Observe>(
        &'r self,
        observe: O,
        input: In,
        cx: &'r StageContext<'_, S, C>,
    ) -> impl Future<Output = Result<Out, StageError>> + Send {
        let call = <Self as Stage<In, S, C>>::call(self, input, cx);
        observe.observe(self.name, cx.step(self.step), cx.plain(), call)
    }

    #[inline]
    fn __call_now<W: Watch>(
        &self,
        watch: W,
        input: In,
        cx: &StageContext<'_, S, C>,
    ) -> Result<Out, StageError> {
        let step = cx.step(self.step);
        let call = || PanicGuard::guard(CallSite::of(self.name, step), || (self.function)(input));
        Ok(watch.watch(step, cx.plain(), call))
    }
}

/// Calls a closure with a reference to each item: `inspect(|x| println!("{x}"))`.
pub struct Inspect<In, F> {
    name: &'static str,
    step: StepId,
    function: F,
    input: PhantomData<fn(In)>,
}

impl<In, F> Accepts<In> for Inspect<In, F>
where
    In: Send,
    F: Fn(&In),
{
    type Out = In;

    fn __register(&mut self, plan: &mut Plan) {
        self.step = plan.step(self.name);
    }
}

impl<In, S, C, F> Stage<In, S, C> for Inspect<In, F>
where
    In: Send,
    S: Send + Sync,
    C: Mechanism,
    F: Fn(&In) + Send + Sync,
{
    const __NOW: Now = Now::NeverFails;

    #[inline]
    async fn call(&self, input: In, cx: &StageContext<'_, S, C>) -> Result<In, StageError> {
        PanicGuard::guard(CallSite::of(self.name, cx.step(self.step)), || (self.function)(&input));
        Ok(input)
    }

    #[inline]
    fn __call<'r, O: Observe>(
        &'r self,
        observe: O,
        input: In,
        cx: &'r StageContext<'_, S, C>,
    ) -> impl Future<Output = Result<In, StageError>> + Send {
        let call = <Self as Stage<In, S, C>>::call(self, input, cx);
        observe.observe(self.name, cx.step(self.step), cx.plain(), call)
    }

    #[inline]
    fn __call_now<W: Watch>(
        &self,
        watch: W,
        input: In,
        cx: &StageContext<'_, S, C>,
    ) -> Result<In, StageError> {
        let step = cx.step(self.step);
        let call = || PanicGuard::guard(CallSite::of(self.name, step), || (self.function)(&input));
        watch.watch(step, cx.plain(), call);
        Ok(input)
    }
}

macro_rules! closure_step {
    ($($name:ident)*) => {$(
        impl<In, F> $name<In, F> {
            pub(crate) fn new(name: &'static str, function: F) -> Self {
                Self { name, step: StepId::NONE, function, input: PhantomData }
            }
        }

        impl<In, F: Clone> Clone for $name<In, F> {
            fn clone(&self) -> Self {
                Self { step: self.step, ..Self::new(self.name, self.function.clone()) }
            }
        }

        impl<In, F> fmt::Debug for $name<In, F> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_tuple(stringify!($name)).field(&self.name).finish()
            }
        }
    )*};
}

closure_step!(Closure Inspect);
