//! Calls of stages without a policy, as cheap as direct calls.

use std::future::Future;
use std::marker::PhantomData;

use crate::call::stage_context::PlainContext;
use crate::call::timed_call::{BareStep, TimedCall};
use crate::call::timer::CallTimer;
use crate::error::kind::ErrorKind;
use crate::error::panic_origin::PanicGuard;
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::stage::function::{Function, StageFailure, StageFn};

/// Calls the function. An error carries the name of the stage.
#[inline]
pub(crate) fn bare<F, In, S>(
    stage: &F,
    step: StepId,
    input: In,
    cx: &PlainContext<'_, S>,
) -> impl Future<Output = Result<F::Value, StageError>> + Send
where
    F: Function<In, S>,
    In: Send,
    S: Send + Sync,
{
    let timer = CallTimer::new(cx.item(), cx.step(step));
    let site = timer.call_site(F::__POLICY.name, 1);
    let call = PanicGuard::guard(site, || stage.call_once(input, cx.stage_context(), site));
    TimedCall::new(call, timer, BareFunction(PhantomData::<fn() -> F>))
}

struct BareFunction<F>(PhantomData<fn() -> F>);

impl<F: StageFn> BareStep for BareFunction<F> {
    type Error = F::Error;

    #[inline]
    fn name(&self) -> &'static str {
        F::__POLICY.name
    }

    #[cold]
    fn failure(&self, error: F::Error, timer: &CallTimer<'_>) -> StageError {
        let site = timer.call_site(F::__POLICY.name, 1);
        StageError::new(site, ErrorKind::Failed, Some(error.__boxed()), timer.elapsed(), Vec::new())
    }
}
