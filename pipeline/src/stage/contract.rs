//! The contract between a stage and what runs it.

use std::future::Future;
use std::panic::Location;

use super::edge::EdgeType;
use super::edge::Keep;
use super::edge::Kept;
use super::plan::Plan;
use crate::call::mechanism::{Direct, Mechanism};
use crate::call::observe::Observe;
use crate::call::stage_context::StageContext;
use crate::error::stage_error::StageError;

/// What a stage takes and what it makes of it: the types alone, free of any state.
///
/// [`pipeline!`](crate::pipeline!) checks each edge of a chain with this trait, so that a stage that does not fit
/// is reported at its own name. `#[stage]` implements it; implement it by hand only beside [`Stage`].
#[diagnostic::on_unimplemented(
    message = "stage `{Self}` cannot take `{In}`, which is what the stage before it returns",
    label = "does not take `{In}`",
    note = "make the two types agree, or put a stage or a closure in between that turns one into the other"
)]
pub trait Accepts<In> {
    /// What comes out.
    type Out: Send;

    /// Takes its place among the steps of a pipeline.
    #[doc(hidden)]
    fn __register(&mut self, plan: &mut Plan) {
        let _ = plan;
    }

    /// Checks one edge of a pipeline, and gives the step behind it its place in the plan.
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

/// One step of a pipeline: takes an `In`, gives an [`Out`](Accepts::Out) or a [`StageError`].
///
/// `#[stage]` implements this for a function. By hand it is a type of your own that goes into a pipeline as
/// `{ value }`:
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
    /// Takes one item through the stage, its policy included.
    ///
    /// # Errors
    ///
    /// The stage's failure, after whatever its policy did about it.
    fn call(
        &self,
        input: In,
        cx: &StageContext<'_, S, C>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send;

    /// The same, with each call of a step observed or not.
    #[doc(hidden)]
    #[inline]
    fn __call<O: Observe>(
        &self,
        observe: O,
        input: In,
        cx: &StageContext<'_, S, C>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send {
        let _ = observe;
        self.call(input, cx)
    }
}
