//! The shapes of a pipeline, and the tasks that its calls run on. All are types without values.

use std::marker::PhantomData;

/// The shape of a pipeline that takes one item and gives one.
#[derive(Debug, Clone, Copy)]
pub struct OneToOne<X = CallerTask>(PhantomData<fn() -> X>);

/// The shape of a pipeline whose first boundary is `B`.
#[derive(Debug, Clone, Copy)]
pub struct WithBoundary<B = AnyBoundary, X = CallerTask>(PhantomData<fn() -> (B, X)>);

/// The boundary of a pipeline that hides which one it is: [`BoxPipeline`](crate::BoxPipeline).
#[derive(Debug, Clone, Copy)]
pub struct AnyBoundary(());

/// All calls run on the task of the caller.
#[derive(Debug, Clone, Copy)]
pub struct CallerTask(());

/// Calls are spread over several tokio tasks: [`Pipeline::workers`](crate::Pipeline::workers).
#[derive(Debug, Clone, Copy)]
pub struct WorkerTasks(());

/// A shape of a pipeline: [`OneToOne`] or [`WithBoundary`].
pub trait Shape {
    /// The same, on several tasks.
    type OnWorkers: Shape;
}

impl<X> Shape for OneToOne<X> {
    type OnWorkers = OneToOne<WorkerTasks>;
}

impl<B, X> Shape for WithBoundary<B, X> {
    type OnWorkers = WithBoundary<B, WorkerTasks>;
}
