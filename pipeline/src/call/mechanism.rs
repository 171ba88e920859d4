//! Who calls the steps of an item, and how.
//!
//! Today there is one mechanism, [`Direct`]: it makes the call. Another one could record the outputs in a journal, or replace
//! functions by stubs: it is a type that implements [`Mechanism`] and [`Caller`], and no other code changes. It is a
//! parameter of [`Stage`](crate::Stage), so that it can ask for a bound on the outputs (on its impl of [`Caller`]).

use std::future::Future;

use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;

/// Who calls the steps of an item: a family of callers, named by a marker type.
pub trait Mechanism: Sized + Send + Sync + 'static {
    /// The caller of one item. It may borrow.
    type Handle<'a>: Copy + Send + Sync;

    /// The same caller for a shorter time, for a nested pipeline with a state of its own.
    fn shorten<'short, 'long: 'short>(handle: Self::Handle<'long>) -> Self::Handle<'short>;
}

/// How a mechanism calls a step `F` that takes an `In` and gives an `Out`.
///
/// `#[stage]` writes this bound, the only one about the mechanism. Chains and forks pass the mechanism on and ask for
/// nothing but [`Mechanism`].
pub trait Caller<F, In, Out>: Mechanism {
    /// Makes the call, or does without it.
    fn call<C: Callee<Out = Out>>(
        handle: Self::Handle<'_>,
        callee: C,
    ) -> impl Future<Output = Result<Out, StageError>> + Send;
}

/// A call of a step that has not begun. To drop it is to skip the step.
pub trait Callee: Send {
    /// The output of the step.
    type Out;

    /// Which step it is, among those of the run.
    fn step(&self) -> StepId;

    /// The call: the function under its policy, observed or not.
    fn run(self) -> impl Future<Output = Result<Self::Out, StageError>> + Send;
}

/// The mechanism that makes each call and nothing else.
#[derive(Debug, Clone, Copy)]
pub struct Direct(());

impl Mechanism for Direct {
    type Handle<'a> = ();

    #[inline]
    fn shorten<'short, 'long: 'short>((): ()) {}
}

impl<F, In, Out> Caller<F, In, Out> for Direct {
    #[inline]
    fn call<C: Callee<Out = Out>>(
        (): Self::Handle<'_>,
        callee: C,
    ) -> impl Future<Output = Result<Out, StageError>> + Send {
        callee.run()
    }
}
