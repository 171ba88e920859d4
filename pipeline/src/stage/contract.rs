//! `Accepts` and `Stage`: the traits of a step of a pipeline.

use std::future::Future;
use std::panic::Location;

use super::edge::{EdgeType, Keep, Kept};
use super::now::Now;
use super::plan::Plan;
use crate::call::mechanism::{Direct, Mechanism};
use crate::call::observe::Observe;
use crate::call::stage_context::StageContext;
use crate::call::watch::Watch;
use crate::error::stage_error::StageError;

/// The input and output types of a stage, whatever the state.
///
/// [`pipeline!`](crate::pipeline!) checks each edge of a chain with this trait, so that the compiler reports a stage that
/// does not fit at its name. `#[stage]` implements it; implement it by hand only together with [`Stage`].
#[diagnostic::on_unimplemented(
    message = "stage `{Self}` cannot take `{In}`, which is what the stage before it returns",
    label = "does not take `{In}`",
    note = "make the two types agree, or put a stage or a closure in between that turns one into the other"
)]
pub trait Accepts<In> {
    /// The output.
    type Out: Send;

    /// Adds the steps of the stage to the plan.
    #[doc(hidden)]
    fn __register(&mut self, plan: &mut Plan) {
        let _ = plan;
    }

    /// Whether a call could start now. If not, a `batch` in front of the stage goes on growing.
    #[doc(hidden)]
    fn __can_start(&self) -> bool {
        true
    }

    /// Checks an edge of a pipeline, and adds the stage after it to the plan.
    #[doc(hidden)]
    #[track_caller]
    fn __connect(
        _: EdgeType<In>,
        mut stage: Self,
        plan: &mut Plan,
    ) -> (Kept<Self::Out, Self>, EdgeType<Self::Out>)
    where
        Self: Sized,
    {
        let before = plan.steps().len();
        stage.__register(plan);
        plan.describe::<In, Self::Out>(before, Location::caller());
        (Self::Out::keep(stage), EdgeType::new())
    }
}

/// A step of a pipeline: takes an `In`, and returns an [`Out`](Accepts::Out) or a [`StageError`].
///
/// `#[stage]` implements it for a function. Your own types can implement it too; write `{ value }` to use one in a
/// pipeline:
///
/// ```
/// use pipeline::{pipeline, Accepts, StageContext, Stage, StageError};
///
/// struct Scale(u32);
///
/// impl Accepts<u32> for Scale {
///     type Out = u32;
/// }
///
/// impl<S: Send + Sync> Stage<u32, S> for Scale {
///     async fn call(&self, input: u32, _: &StageContext<'_, S>) -> Result<u32, StageError> {
///         Ok(input * self.0)
///     }
/// }
///
/// let scaled = pipeline![|x: u32| x + 1 => { Scale(10) }];
/// assert_eq!(scaled.run_blocking(1)?, 20);
/// # Ok::<(), StageError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not run on `{In}` with the state `{S}`",
    label = "this pipeline does not run",
    note = "each stage must accept the output of the previous one, and the state must provide its resources"
)]
pub trait Stage<In, S = (), C: Mechanism = Direct>: Accepts<In> + Send + Sync {
    /// Whether the stage can be called by `__call_now`.
    #[doc(hidden)]
    const __NOW: Now = Now::No;

    /// Calls the stage with one item, under its policy.
    ///
    /// # Errors
    ///
    /// Returns the error of the stage, after all retries.
    fn call<'r>(
        &'r self,
        input: In,
        cx: &'r StageContext<'_, S, C>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send;

    /// Like `call`, with each call of a step observed or not.
    #[doc(hidden)]
    #[inline]
    fn __call<'r, O: Observe>(
        &'r self,
        observe: O,
        input: In,
        cx: &'r StageContext<'_, S, C>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send {
        let _ = observe;
        self.call(input, cx)
    }

    /// Like `__call`, with the context by value: a nested pipeline passes on a context of its own, and needs no future of its
    /// own to keep it. Each future within a future counts against the compiler's limit on the depth of types.
    #[doc(hidden)]
    #[inline]
    fn __call_nested<'r, O: Observe>(
        &'r self,
        observe: O,
        input: In,
        cx: StageContext<'r, S, C>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send
    where
        In: Send,
        S: Send + Sync,
    {
        async move { self.__call(observe, input, &cx).await }
    }

    /// Like `call`, without a future and past the mechanism. Only for stages that [can](Self::__NOW), and the mechanism `Direct`.
    ///
    /// # Errors
    ///
    /// Returns the error of the stage.
    #[doc(hidden)]
    fn __call_now<W: Watch>(
        &self,
        watch: W,
        input: In,
        cx: &StageContext<'_, S, C>,
    ) -> Result<Self::Out, StageError> {
        let _ = (watch, input, cx);
        unreachable!("the stage cannot be called without a future")
    }
}
