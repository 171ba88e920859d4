//! Closures as steps of a pipeline.

use crate::Scope;
use crate::footing::Footing;
use crate::{Accepts, Stage, StageError};

/// A closure as a step: `|x: u32| x + 1`.
#[derive(Debug, Clone, Copy)]
pub struct Closure<F> {
    pub(crate) name: &'static str,
    pub(crate) function: F,
}

impl<In, Out, F> Accepts<In> for Closure<F>
where
    Out: Send,
    F: Fn(In) -> Out,
{
    type Out = Out;
}

impl<In, Out, S, F> Stage<In, S> for Closure<F>
where
    In: Send,
    Out: Send,
    S: Send + Sync,
    F: Fn(In) -> Out + Send + Sync,
{
    #[inline]
    async fn call(&self, input: In, cx: &Scope<'_, S>) -> Result<Out, StageError> {
        let footing = Footing::new(cx.item(), self.name, 1);
        let output = (self.function)(input);
        footing.release();
        Ok(output)
    }
}

/// A look at what goes by: `inspect(|x| println!("{x}"))`.
#[derive(Debug, Clone, Copy)]
pub struct Inspect<F> {
    pub(crate) name: &'static str,
    pub(crate) function: F,
}

impl<In, F> Accepts<In> for Inspect<F>
where
    In: Send,
    F: Fn(&In),
{
    type Out = In;
}

impl<In, S, F> Stage<In, S> for Inspect<F>
where
    In: Send,
    S: Send + Sync,
    F: Fn(&In) + Send + Sync,
{
    #[inline]
    async fn call(&self, input: In, cx: &Scope<'_, S>) -> Result<In, StageError> {
        let footing = Footing::new(cx.item(), self.name, 1);
        (self.function)(&input);
        footing.release();
        Ok(input)
    }
}
