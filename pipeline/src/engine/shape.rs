//! Marker types: the shape of a pipeline, and the kind of tasks that its calls run on.

use std::marker::PhantomData;

/// The shape of a pipeline that returns one output per input.
#[derive(Debug, Clone, Copy)]
pub struct OneToOne<X = CallerTask>(PhantomData<fn() -> X>);

/// The shape of a pipeline whose first boundary is `B`.
#[derive(Debug, Clone, Copy)]
pub struct WithBoundary<B = AnyBoundary, X = CallerTask>(PhantomData<fn() -> (B, X)>);

/// The type-erased boundary of a [`BoxPipeline`](crate::BoxPipeline).
#[derive(Debug, Clone, Copy)]
pub struct AnyBoundary(());

/// Marker: all calls run on the task of the caller.
#[derive(Debug, Clone, Copy)]
pub struct CallerTask(());

/// Marker: calls run on several tokio tasks. See [`Pipeline::workers`](crate::Pipeline::workers).
#[derive(Debug, Clone, Copy)]
pub struct WorkerTasks(());

/// The shape of a pipeline: [`OneToOne`] or [`WithBoundary`].
pub trait Shape {
    /// The same shape, with calls on several tasks.
    type OnWorkers: Shape;
}

impl<X> Shape for OneToOne<X> {
    type OnWorkers = OneToOne<WorkerTasks>;
}

impl<B, X> Shape for WithBoundary<B, X> {
    type OnWorkers = WithBoundary<B, WorkerTasks>;
}
