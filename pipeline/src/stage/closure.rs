//! Closures as steps of a pipeline: `|x| …`, `try |x| …`, `|x| async move { … }` and `inspect(|x| …)`.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::time::Duration;

use super::contract::{Accepts, Stage};
use super::function::StageFailure;
use super::now::Now;
use super::plan::Plan;
use crate::call::mechanism::Mechanism;
use crate::call::observe::Observe;
use crate::call::stage_context::StageContext;
use crate::call::timed_call::{BareStep, TimedCall};
use crate::call::timer::CallTimer;
use crate::call::watch::Watch;
use crate::error::causes::BoxError;
use crate::error::panic_origin::{CallSite, PanicGuard};
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::run::item::Item;

/// The registration of a closure, which is one step.
macro_rules! register_as_step {
    () => {
        fn __register(&mut self, plan: &mut Plan) {
            self.step = plan.step(self.name);
        }
    };
}

/// The call of a closure, observed as the call of its step.
macro_rules! observe_call {
    ($out:ident) => {
        #[inline]
        fn __call<'r, O: Observe>(
            &'r self,
            observe: O,
            input: In,
            cx: &'r StageContext<'_, S, C>,
        ) -> impl Future<Output = Result<$out, StageError>> + Send {
            let call = <Self as Stage<In, S, C>>::call(self, input, cx);
            observe.observe(self.name, cx.step(self.step), cx.plain(), call)
        }
    };
}

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

    register_as_step!();
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

    observe_call!(Out);

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

/// A closure that can fail: `try |row| row.parse::<u32>()`.
pub struct TryClosure<In, F> {
    name: &'static str,
    step: StepId,
    function: F,
    input: PhantomData<fn(In)>,
}

impl<In, Out, F> Accepts<In> for TryClosure<In, F>
where
    Out: Send,
    F: Fn(In) -> Result<Out, BoxError>,
{
    type Out = Out;

    register_as_step!();
}

impl<In, Out, S, C, F> Stage<In, S, C> for TryClosure<In, F>
where
    In: Send,
    Out: Send,
    S: Send + Sync,
    C: Mechanism,
    F: Fn(In) -> Result<Out, BoxError> + Send + Sync,
{
    const __NOW: Now = Now::MayFail;

    #[inline]
    async fn call(&self, input: In, cx: &StageContext<'_, S, C>) -> Result<Out, StageError> {
        let site = CallSite::of(self.name, cx.step(self.step));
        let call = || (self.function)(input).map_err(|error| StageError::failed(site, error, Duration::ZERO));
        PanicGuard::guard(site, call)
    }

    observe_call!(Out);

    #[inline]
    fn __call_now<W: Watch>(
        &self,
        watch: W,
        input: In,
        cx: &StageContext<'_, S, C>,
    ) -> Result<Out, StageError> {
        let step = cx.step(self.step);
        let site = CallSite::of(self.name, step);
        let call = || (self.function)(input).map_err(|error| StageError::failed(site, error, Duration::ZERO));
        watch.watch(step, cx.plain(), || PanicGuard::guard(site, call))
    }
}

/// A closure whose future is awaited: `|x| async move { … }`.
pub struct AsyncClosure<In, F> {
    name: &'static str,
    step: StepId,
    function: F,
    input: PhantomData<fn(In)>,
}

impl<In, Out, E, Fut, F> Accepts<In> for AsyncClosure<In, F>
where
    Out: Send,
    Fut: Future<Output = Result<Out, E>>,
    F: Fn(In) -> Fut,
{
    type Out = Out;

    register_as_step!();
}

impl<In, Out, E, Fut, S, C, F> Stage<In, S, C> for AsyncClosure<In, F>
where
    In: Send,
    Out: Send,
    E: StageFailure,
    Fut: Future<Output = Result<Out, E>> + Send,
    S: Send + Sync,
    C: Mechanism,
    F: Fn(In) -> Fut + Send + Sync,
{
    #[inline]
    fn call<'r>(
        &'r self,
        input: In,
        cx: &'r StageContext<'_, S, C>,
    ) -> impl Future<Output = Result<Out, StageError>> + Send {
        let step = AsyncStep {
            name: self.name,
            step: cx.step(self.step),
            item: cx.plain().item(),
            error: PhantomData::<fn() -> E>,
        };
        let call = PanicGuard::guard(step.site(), || (self.function)(input));
        TimedCall::new(call, step)
    }

    observe_call!(Out);
}

/// The step of an [`AsyncClosure`].
struct AsyncStep<'a, E> {
    name: &'static str,
    step: StepId,
    item: &'a Item<'a>,
    error: PhantomData<fn() -> E>,
}

impl<'a, E: StageFailure> BareStep<'a> for AsyncStep<'a, E> {
    type Error = E;

    #[inline]
    fn site(&self) -> CallSite {
        CallSite::of(self.name, self.step)
    }

    #[inline]
    fn item(&self) -> &'a Item<'a> {
        self.item
    }

    #[cold]
    fn failure(&self, error: E, timer: &CallTimer<'_>) -> StageError {
        StageError::failed(timer.call_site(self.name, 1), error.__boxed(), timer.elapsed())
    }
}

/// What a `try` closure returned. Its error becomes a [`BoxError`]: also one whose type only `?` converts into.
pub struct Tried<R>(pub R);

impl<T> Tried<Result<T, BoxError>> {
    /// The `Result` itself. Where rustc does not know the type of the error, this method makes it a `BoxError`.
    ///
    /// # Errors
    ///
    /// Returns the error of the closure.
    pub fn __boxed(self) -> Result<T, BoxError> {
        self.0
    }
}

/// A `Result` of any error. Method resolution prefers the inherent `__boxed` above.
pub trait TriedAny {
    /// What the closure returned.
    type Returned;

    /// The `Result`, with its error boxed.
    ///
    /// # Errors
    ///
    /// Returns the error of the closure.
    fn __boxed(self) -> Result<<Self::Returned as Fallible>::Value, BoxError>
    where
        Self::Returned: Fallible;
}

impl<R> TriedAny for Tried<R> {
    type Returned = R;

    fn __boxed(self) -> Result<R::Value, BoxError>
    where
        R: Fallible,
    {
        self.0.__boxed()
    }
}

/// What a `try` closure can return.
#[diagnostic::on_unimplemented(
    message = "a `try` closure returns a `Result` whose error converts into `Box<dyn Error + Send + Sync>`, and this one returns `{Self}`",
    label = "not such a `Result`",
    note = "if it cannot fail, remove `try`"
)]
pub trait Fallible {
    /// The output.
    type Value;

    /// With its error boxed.
    #[doc(hidden)]
    fn __boxed(self) -> Result<Self::Value, BoxError>;
}

#[diagnostic::do_not_recommend]
impl<T, E: Into<BoxError>> Fallible for Result<T, E> {
    type Value = T;

    fn __boxed(self) -> Result<T, BoxError> {
        self.map_err(Into::into)
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

    register_as_step!();
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

    observe_call!(In);

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

closure_step!(Closure TryClosure AsyncClosure Inspect);
