//! Calls of stages without a policy: they cost what direct calls cost.

use pin_project_lite::pin_project;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::call::stage_context::StageContext;
use crate::call::timer::CallTimer;
use crate::error::causes::BoxError;
use crate::error::kind::ErrorKind;
use crate::error::panic_origin::PanicGuard;
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::stage::contract::StageFn;
use crate::stage::function::Function;
use crate::stage::function::StageFailure;

/// A call of a stage without a policy: the function's own future, and the stage's name on its failure.
#[inline]
pub fn bare<F, In, S>(
    stage: &F,
    step: StepId,
    input: In,
    cx: &StageContext<'_, S>,
) -> impl Future<Output = Result<F::Value, StageError>> + Send
where
    F: Function<In, S>,
    In: Send,
    S: Send + Sync,
{
    let timer = CallTimer::new(cx.item(), cx.step(step));
    let site = timer.call_site(F::__POLICY.name, 1);
    let call = PanicGuard::guard(site, || stage.call_once(input, *cx, site));
    Bare { call, timer, stage: PhantomData::<fn() -> F> }
}

pin_project! {
    /// Not an async block, which would keep a state of its own beside that of the function.
    struct Bare<'a, C, F> {
        #[pin]
        call: C,
        timer: CallTimer<'a>,
        stage: PhantomData<fn() -> F>,
    }
}

impl<C, F, Out> Future for Bare<'_, C, F>
where
    C: Future<Output = Result<Out, F::Error>>,
    F: StageFn,
{
    type Output = Result<Out, StageError>;

    #[allow(clippy::inline_always)] // A third of the instructions of a chain of ready stages, counted.
    #[inline(always)]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (call, timer) = (this.call, this.timer);
        match PanicGuard::guard(timer.call_site(F::__POLICY.name, 1), || call.poll(cx)) {
            Poll::Ready(Ok(value)) => {
                timer.finish();
                Poll::Ready(Ok(value))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(failed(timer, F::__POLICY.name, error.__boxed()))),
            Poll::Pending => {
                timer.on_pending();
                Poll::Pending
            }
        }
    }
}

#[cold]
fn failed(timer: &CallTimer<'_>, name: &'static str, error: BoxError) -> StageError {
    let (site, elapsed) = (timer.call_site(name, 1), timer.elapsed());
    timer.finish();
    StageError::new(site, ErrorKind::Failed, Some(error), elapsed, Vec::new())
}
