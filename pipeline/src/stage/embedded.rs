//! `Embedded`: a value as a step, `{ value }`.

use std::any::type_name;

use super::contract::{Accepts, Stage};
use super::now::Now;
use super::plan::Plan;
use crate::call::observe::{Observe, Unobserved};
use crate::call::stage_context::StageContext;
use crate::call::timed_call::{BareStep, TimedCall};
use crate::call::timer::CallTimer;
use crate::call::watch::Watch;
use crate::error::panic_origin::CallSite;
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::run::item::Item;

/// A value that implements [`Stage`], as a step named after its type.
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

    fn __can_start(&self) -> bool {
        self.stage.__can_start()
    }

    fn __register(&mut self, plan: &mut Plan) {
        let before = plan.steps().len();
        self.stage.__register(plan);
        // A pipeline has registered its own steps; any other value is one step.
        if plan.steps().len() == before {
            self.step = plan.step(self.name);
        }
    }
}

/// A pipeline is several steps; any other value is one.
impl<In, S, T> Stage<In, S> for Embedded<T>
where
    In: Send,
    S: Send + Sync,
    T: Stage<In, S>,
{
    // A handwritten impl is never called without a future, so what is called here has steps of its own.
    const __NOW: Now = T::__NOW;

    async fn call(&self, input: In, cx: &StageContext<'_, S>) -> Result<T::Out, StageError> {
        self.__call(Unobserved, input, cx).await
    }

    async fn __call<O: Observe>(
        &self,
        observe: O,
        input: In,
        cx: &StageContext<'_, S>,
    ) -> Result<T::Out, StageError> {
        if self.step == StepId::NONE {
            return self.stage.__call(observe, input, cx).await;
        }
        let step = cx.step(self.step);
        let custom = CustomStep { name: self.name, step, item: cx.item() };
        let call = TimedCall::new(self.stage.call(input, cx), custom);
        observe.observe(self.name, step, cx.plain(), call).await
    }

    fn __call_now<W: Watch>(
        &self,
        watch: W,
        input: In,
        cx: &StageContext<'_, S>,
    ) -> Result<T::Out, StageError> {
        self.stage.__call_now(watch, input, cx)
    }
}

/// A stage with a handwritten `Stage` impl. Its errors do not have the step in this pipeline yet.
struct CustomStep<'a> {
    name: &'static str,
    step: StepId,
    item: &'a Item<'a>,
}

impl<'a> BareStep<'a> for CustomStep<'a> {
    type Error = StageError;

    fn site(&self) -> CallSite {
        CallSite::of(self.name, self.step)
    }

    fn item(&self) -> &'a Item<'a> {
        self.item
    }

    fn failure(&self, error: StageError, _: &CallTimer<'_>) -> StageError {
        error.or_at_step(self.step)
    }
}
