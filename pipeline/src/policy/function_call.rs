//! `FunctionCall`: the call of a stage function under its policy, as passed to the mechanism.

use std::future::Future;

use super::gate::Gate;
use super::stage_use::StageUse;
use super::strategy::Strategy;
use crate::call::mechanism::{Callee, Mechanism};
use crate::call::observe::Observe;
use crate::call::stage_context::{PlainContext, StageContext};
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::stage::function::Function;

/// A call of a stage function that has not started.
pub struct FunctionCall<'c, 'r, 'x, F, G, A, O, In, S> {
    stage: StageUse<'c, F, G>,
    strategy: A,
    observe: O,
    input: In,
    cx: &'r PlainContext<'x, S>,
}

impl<'c, 'r, 'x, F, G, A, O, In, S> FunctionCall<'c, 'r, 'x, F, G, A, O, In, S> {
    /// The call of a stage with an input.
    #[inline]
    pub fn new<C: Mechanism>(
        stage: StageUse<'c, F, G>,
        strategy: A,
        observe: O,
        input: In,
        cx: &'r StageContext<'x, S, C>,
    ) -> Self {
        Self { stage, strategy, observe, input, cx: cx.plain() }
    }
}

impl<F, G, A, O, In, S> Callee for FunctionCall<'_, '_, '_, F, G, A, O, In, S>
where
    In: Send,
    S: Send + Sync,
    F: Function<In, S>,
    G: Gate,
    A: Strategy<F, In, S>,
    O: Observe,
{
    type Out = F::Value;

    fn step(&self) -> StepId {
        self.cx.step(*self.stage.step)
    }

    #[inline]
    fn run(self) -> impl Future<Output = Result<F::Value, StageError>> + Send {
        let Self { stage, strategy, observe, input, cx } = self;
        let (name, step) = (stage.policy.name, cx.step(*stage.step));
        observe.observe(name, step, cx, strategy.call(stage, input, cx))
    }
}
