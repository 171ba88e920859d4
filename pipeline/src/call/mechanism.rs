//! `Mechanism`: how the steps of an item are called.
//!
//! The only mechanism is [`Direct`], which makes the call. Another one could record the outputs in a journal, or replace
//! functions by stubs: it would be a type that implements [`Mechanism`] and [`Caller`], and no other code would change. It is
//! a parameter of [`Stage`](crate::Stage), so that its impl of [`Caller`] can bound the outputs.

use std::future::Future;

use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;

/// How the steps of an item are called: a marker type for a family of callers.
pub trait Mechanism: Sized + Send + Sync + 'static {
    /// The caller of one item, which may borrow.
    type Handle<'a>: Copy + Send + Sync;

    /// The same caller with a shorter lifetime, for a nested pipeline with a state of its own.
    fn shorten<'short, 'long: 'short>(handle: Self::Handle<'long>) -> Self::Handle<'short>;
}

/// How a mechanism calls a step `F` that takes an `In` and returns an `Out`.
///
/// The code of `#[stage]` has this bound. Chains and forks pass the mechanism on, and only require [`Mechanism`].
pub trait Caller<F, In, Out>: Mechanism {
    /// Makes the call, or skips it.
    fn call<C: Callee<Out = Out>>(
        handle: Self::Handle<'_>,
        callee: C,
    ) -> impl Future<Output = Result<Out, StageError>> + Send;
}

/// A call of a step that has not started. Dropping it skips the step.
pub trait Callee: Send {
    /// The output of the step.
    type Out;

    /// The id of the step in the run.
    fn step(&self) -> StepId;

    /// Makes the call: the function under its policy, observed or not.
    fn run(self) -> impl Future<Output = Result<Self::Out, StageError>> + Send;
}

/// The mechanism that makes each call directly.
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
