//! Calls of stages without a policy: they cost what direct calls cost.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::error::{BoxError, ErrorKind};
use crate::footing::Footing;
use crate::function::Function;
use crate::plan::Slot;
use crate::watch::Watch;
use crate::{Scope, StageError, StageFailure, StageFn};

/// A call of a stage without a policy: the function's own future, and the stage's name on its failure.
#[inline]
pub fn bare<F, In, S>(
    stage: &F,
    slot: Slot,
    input: In,
    cx: &Scope<'_, S>,
) -> impl Future<Output = Result<F::Value, StageError>> + Send
where
    F: Function<In, S>,
    In: Send,
    S: Send + Sync,
{
    let watch = Watch::new(cx.item(), cx.slot(slot));
    let place = watch.place(F::__SPEC.name, 1);
    let call = Footing::guard(place, || stage.once(input, *cx, place));
    Bare { call, watch, stage: PhantomData::<fn() -> F> }
}

pin_project! {
    /// Not an async block, which would keep a state of its own beside that of the function.
    struct Bare<'a, C, F> {
        #[pin]
        call: C,
        watch: Watch<'a>,
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
        let (call, watch) = (this.call, this.watch);
        match Footing::guard(watch.place(F::__SPEC.name, 1), || call.poll(cx)) {
            Poll::Ready(Ok(value)) => {
                watch.over();
                Poll::Ready(Ok(value))
            }
            Poll::Ready(Err(error)) => Poll::Ready(Err(failed(watch, F::__SPEC.name, error.__boxed()))),
            Poll::Pending => {
                watch.waits();
                Poll::Pending
            }
        }
    }
}

#[cold]
fn failed(watch: &Watch<'_>, name: &'static str, error: BoxError) -> StageError {
    let (place, elapsed) = (watch.place(name, 1), watch.elapsed());
    watch.over();
    StageError::new(place, ErrorKind::Failed, Some(error), elapsed, Vec::new())
}
