//! `Section`: the parts of a pipeline with boundaries, as types.

use std::sync::Arc;

use super::segment::{SegmentContext, open_segment};
use super::shape::{CallerTask, WorkerTasks};
use super::upstream::Upstream;
use super::worker_segment::open_worker_segment;

use crate::stage::contract::{Accepts, Stage};

/// A part of a pipeline with boundaries: stages, nothing, or two sections and the boundary between them.
///
/// `X` is the kind of tasks that the calls run on.
pub trait Section<In, S, X = CallerTask>: Accepts<In> + Send + Sync {
    /// Opens the segments of the section. The verb configures the `last` section of a pipeline.
    fn open<'a, U>(
        &'a self,
        upstream: U,
        context: SegmentContext<'a, S>,
        last: bool,
    ) -> impl Upstream<Root = U::Root, Item = Self::Out>
    where
        U: Upstream<Item = In>;
}

/// A boundary between two sections.
pub trait Boundary<In>: Accepts<In> + Clone + Send + Sync {
    /// Opens the segment of the boundary.
    fn open<U>(&self, upstream: U) -> impl Upstream<Root = U::Root, Item = Self::Out>
    where
        U: Upstream<Item = In>;
}

/// A section that is a chain of stages.
pub struct StageSection<F>(Arc<F>);

impl<F> StageSection<F> {
    pub(crate) fn new(stages: F) -> Self {
        Self(Arc::new(stages))
    }
}

impl<In, F: Accepts<In>> Accepts<In> for StageSection<F> {
    type Out = F::Out;
}

impl<In, S, F> Section<In, S> for StageSection<F>
where
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    fn open<'a, U>(
        &'a self,
        upstream: U,
        context: SegmentContext<'a, S>,
        last: bool,
    ) -> impl Upstream<Root = U::Root, Item = F::Out>
    where
        U: Upstream<Item = In>,
    {
        open_segment(&*self.0, upstream, &context, last)
    }
}

impl<In, S, F> Section<In, S, WorkerTasks> for StageSection<F>
where
    In: Send + 'static,
    S: Send + Sync + 'static,
    F: Stage<In, S, Out: 'static> + 'static,
{
    fn open<'a, U>(
        &'a self,
        upstream: U,
        context: SegmentContext<'a, S>,
        last: bool,
    ) -> impl Upstream<Root = U::Root, Item = F::Out>
    where
        U: Upstream<Item = In>,
    {
        open_worker_segment(&self.0, upstream, &context, last)
    }
}

/// A section without stages: before a first boundary, after a last one, or between two.
#[derive(Debug, Clone, Copy)]
pub struct PassThrough;

impl<In: Send> Accepts<In> for PassThrough {
    type Out = In;
}

impl<In: Send, S, X> Section<In, S, X> for PassThrough {
    fn open<'a, U>(
        &'a self,
        upstream: U,
        _: SegmentContext<'a, S>,
        _: bool,
    ) -> impl Upstream<Root = U::Root, Item = In>
    where
        U: Upstream<Item = In>,
    {
        upstream
    }
}

/// Two sections and the boundary between them.
#[derive(Debug, Clone, Copy)]
pub struct Bounded<H, B, R> {
    head: H,
    boundary: B,
    rest: R,
}

impl<H, B, R> Bounded<H, B, R> {
    pub(crate) fn new(head: H, boundary: B, rest: R) -> Self {
        Self { head, boundary, rest }
    }
}

impl<In, H, B, R> Accepts<In> for Bounded<H, B, R>
where
    H: Accepts<In>,
    B: Accepts<H::Out>,
    R: Accepts<B::Out>,
{
    type Out = R::Out;
}

impl<In, S, X, H, B, R> Section<In, S, X> for Bounded<H, B, R>
where
    H: Section<In, S, X>,
    B: Boundary<H::Out>,
    R: Section<B::Out, S, X>,
{
    fn open<'a, U>(
        &'a self,
        upstream: U,
        context: SegmentContext<'a, S>,
        last: bool,
    ) -> impl Upstream<Root = U::Root, Item = R::Out>
    where
        U: Upstream<Item = In>,
    {
        let head = self.head.open(upstream, context.clone(), false);
        self.rest.open(self.boundary.open(head), context, last)
    }
}
