//! A value as a step: `{ value }`.

use std::any::type_name;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::footing::Footing;
use crate::plan::{Plan, Slot};
use crate::watch::Watch;
use crate::{Accepts, Scope, Stage, StageError};

/// A [`Stage`] of one's own among those of a pipeline, by the name of its type.
#[derive(Debug, Clone)]
pub struct Embedded<T> {
    stage: T,
    name: &'static str,
    slot: Slot,
}

impl<T> Embedded<T> {
    pub(crate) fn new(stage: T) -> Self {
        Self { stage, name: short_name(type_name::<T>()), slot: Slot::NONE }
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

    fn __mount(&mut self, plan: &mut Plan) {
        let before = plan.steps().len();
        self.stage.__mount(plan);
        // A pipeline brings its own stages; another value is one.
        if plan.steps().len() == before {
            self.slot = plan.step(self.name);
        }
    }

    fn __label(&self) -> Option<(&'static str, Slot)> {
        (self.slot != Slot::NONE).then_some((self.name, self.slot))
    }
}

impl<In, S, T> Stage<In, S> for Embedded<T>
where
    In: Send,
    S: Send + Sync,
    T: Stage<In, S>,
{
    async fn call(&self, input: In, cx: &Scope<'_, S>) -> Result<T::Out, StageError> {
        let call = self.stage.call(input, cx);
        if self.slot == Slot::NONE {
            return call.await;
        }
        let watch = Watch::new(cx.item(), cx.slot(self.slot));
        Own { call, watch, name: self.name }.await
    }

    async fn __call_watched(&self, input: In, cx: &Scope<'_, S>) -> Result<T::Out, StageError> {
        if self.slot == Slot::NONE {
            self.stage.__call_watched(input, cx).await
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
        watch: Watch<'a>,
        name: &'static str,
    }
}

impl<C: Future<Output = Result<T, StageError>>, T> Future for Own<'_, C> {
    type Output = C::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let (call, watch) = (this.call, this.watch);
        let place = watch.place(this.name, 1);
        match Footing::guard(place, || call.poll(cx)) {
            Poll::Ready(result) => {
                watch.over();
                Poll::Ready(result.map_err(|error| error.at(place.slot)))
            }
            Poll::Pending => {
                watch.waits();
                Poll::Pending
            }
        }
    }
}
