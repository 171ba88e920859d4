//! A value as a step: `{ value }`.

use pin_project_lite::pin_project;
use std::any::type_name;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::contract::Accepts;
use super::contract::Stage;
use super::plan::Plan;
use crate::call::stage_context::StageContext;
use crate::call::timer::CallTimer;
use crate::error::panic_origin::PanicGuard;
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;

/// A [`Stage`] of one's own among those of a pipeline, by the name of its type.
#[derive(Debug, Clone)]
pub struct Embedded<T> {
    stage: T,
    name: &'static str,
    step: StepId,
}

impl<T> Embedded<T> {
    pub(crate) fn new(stage: T) -> Self {
        Self { stage, name: short_name(type_name::<T>()), step: StepId::NONE }
    }
}

/// `Scale` of `app::stages::Scale<f64>`.
fn short_name(name: &'static str) -> &'static str {
    let end = name.find('<').unwrap_or(name.len());
    let start = name[..end].rfind("::").map_or(0, |colons| colons + 2);
    &name[start..end]
}

impl<In, T: Accepts<In>> Accepts<In> for Embedded<T> {
    type Out = T::Out;

    fn __register(&mut self, plan: &mut Plan) {
        let before = plan.steps().len();
        self.stage.__register(plan);
        // A pipeline brings its own stages; another value is one.
        if plan.steps().len() == before {
            self.step = plan.step(self.name);
        }
    }

    fn __label(&self) -> Option<(&'static str, StepId)> {
        (self.step != StepId::NONE).then_some((self.name, self.step))
    }
}

impl<In, S, T> Stage<In, S> for Embedded<T>
where
    In: Send,
    S: Send + Sync,
    T: Stage<In, S>,
{
    async fn call(&self, input: In, cx: &StageContext<'_, S>) -> Result<T::Out, StageError> {
        let call = self.stage.call(input, cx);
        if self.step == StepId::NONE {
            return call.await;
        }
        let timer = CallTimer::new(cx.item(), cx.step(self.step));
        Own { call, timer, name: self.name }.await
    }

    async fn __call_observed(&self, input: In, cx: &StageContext<'_, S>) -> Result<T::Out, StageError> {
        if self.step == StepId::NONE {
            self.stage.__call_observed(input, cx).await
        } else {
            self.call(input, cx).await
        }
    }
}

pin_project! {
    /// The call of a value that is a stage, with its name on what goes wrong.
    struct Own<'a, C> {
        #[pin]
        call: C,
        timer: CallTimer<'a>,
        name: &'static str,
    }
}

impl<C: Future<Output = Result<T, StageError>>, T> Future for Own<'_, C> {
    type Output = C::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (call, timer) = (this.call, this.timer);
        let site = timer.call_site(this.name, 1);
        match PanicGuard::guard(site, || call.poll(cx)) {
            Poll::Ready(result) => {
                timer.finish();
                Poll::Ready(result.map_err(|error| error.or_at_step(site.step)))
            }
            Poll::Pending => {
                timer.on_pending();
                Poll::Pending
            }
        }
    }
}
