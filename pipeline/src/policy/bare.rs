//! Calls of stages without a policy, as cheap as direct calls.

use std::future::Future;
use std::marker::PhantomData;
use std::time::Duration;

use crate::call::mechanism::Mechanism;
use crate::call::stage_context::{PlainContext, StageContext};
use crate::call::timed_call::{BareStep, TimedCall};
use crate::call::timer::CallTimer;
use crate::call::watch::Watch;
use crate::error::panic_origin::{CallSite, PanicGuard};
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::run::item::Item;
use crate::stage::function::{Function, StageFailure, StageFn};

/// Calls the function. An error carries the name of the stage.
#[inline]
pub(crate) fn bare<F, In, S>(
    stage: &F,
    step: &StepId,
    input: In,
    cx: &PlainContext<'_, S>,
) -> impl Future<Output = Result<F::Value, StageError>> + Send
where
    F: Function<In, S>,
    In: Send,
    S: Send + Sync,
{
    let step = BareFunction { step, cx, function: PhantomData::<fn() -> F> };
    let site = step.site();
    let call = PanicGuard::guard(site, || stage.call_once(input, cx.stage_context(), site));
    TimedCall::new(call, step)
}

/// Calls a function that is not async, without a future. An error carries the name of the stage.
///
/// # Errors
///
/// Returns the error of the function.
#[inline]
pub fn call_now<F, S, C, W, T>(
    _: &F,
    step: StepId,
    watch: W,
    cx: &StageContext<'_, S, C>,
    call: impl FnOnce() -> Result<T, F::Error>,
) -> Result<T, StageError>
where
    F: StageFn,
    C: Mechanism,
    W: Watch,
{
    let step = cx.step(step);
    let site = CallSite::of(F::__POLICY.name, step);
    watch.watch(step, cx.plain(), || {
        PanicGuard::guard(site, || {
            call().map_err(|error| StageError::failed(site, error.__boxed(), Duration::ZERO))
        })
    })
}

struct BareFunction<'s, 'r, 'x, F, S> {
    step: &'s StepId,
    cx: &'r PlainContext<'x, S>,
    function: PhantomData<fn() -> F>,
}

impl<F: StageFn, S> BareFunction<'_, '_, '_, F, S> {
    #[inline]
    fn site(&self) -> CallSite {
        CallSite::of(F::__POLICY.name, self.cx.step(*self.step))
    }
}

impl<'x, F: StageFn, S> BareStep<'x> for BareFunction<'_, '_, 'x, F, S> {
    type Error = F::Error;

    #[inline]
    fn site(&self) -> CallSite {
        self.site()
    }

    #[inline]
    fn item(&self) -> &'x Item<'x> {
        self.cx.item()
    }

    #[cold]
    fn failure(&self, error: F::Error, timer: &CallTimer<'_>) -> StageError {
        StageError::failed(timer.call_site(F::__POLICY.name, 1), error.__boxed(), timer.elapsed())
    }
}
