//! Calls of stages without a policy: they cost what direct calls cost.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::time::Instant;

use crate::error::{BoxError, ErrorKind};
use crate::footing::{Footing, Place};
use crate::function::Function;
use crate::item::Item;
use crate::{Scope, StageError, StageFailure, StageFn};

/// A call of a stage without a policy: the function's own future, and the stage's name on its failure.
#[inline]
pub fn bare<F, In, S>(
    stage: &F,
    input: In,
    cx: &Scope<'_, S>,
) -> impl Future<Output = Result<F::Out, StageError>> + Send
where
    F: Function<In, S>,
    In: Send,
    S: Send + Sync,
{
    let own = OwnName::<F>::here();
    let call = Footing::guard(cx.item(), own, || stage.once(input, *cx, own.into()));
    Bare { call, item: cx.item(), waits_since: None, stage: own }
}

pin_project! {
    /// Not an async block, which would keep a state of its own beside that of the function.
    struct Bare<'a, C, F> {
        #[pin]
        call: C,
        item: &'a Item<'a>,
        // When the call first had to wait.
        waits_since: Option<Instant>,
        stage: OwnName<F>,
    }
}

impl<C, F, Out> Future for Bare<'_, C, F>
where
    C: Future<Output = Result<Out, F::Error>>,
    F: StageFn,
{
    type Output = Result<Out, StageError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let call = this.call;
        match Footing::guard(this.item, *this.stage, || call.poll(cx)) {
            Poll::Ready(Ok(value)) => Poll::Ready(Ok(value)),
            Poll::Ready(Err(error)) => {
                Poll::Ready(Err(failed(F::__SPEC.name, *this.waits_since, error.__boxed())))
            }
            Poll::Pending => {
                this.waits_since.get_or_insert_with(Instant::now);
                Poll::Pending
            }
        }
    }
}

#[cold]
fn failed(name: &'static str, waits_since: Option<Instant>, error: BoxError) -> StageError {
    let elapsed = waits_since.map(|since| since.elapsed()).unwrap_or_default();
    StageError::new(name, ErrorKind::Failed, Some(error)).with_history(1, elapsed, Vec::new())
}

/// The place of a bare stage: known from its type, so that a call need not carry it.
struct OwnName<F>(PhantomData<fn() -> F>);

impl<F> OwnName<F> {
    fn here() -> Self {
        Self(PhantomData)
    }
}

impl<F> Clone for OwnName<F> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<F> Copy for OwnName<F> {}

impl<F: StageFn> From<OwnName<F>> for Place {
    fn from(_: OwnName<F>) -> Self {
        Self { stage: F::__SPEC.name, attempt: 1 }
    }
}
