//! What a pipeline is made of when many items go through it: sections of stages, and boundaries between them.

use std::sync::Arc;

use super::segment::SegmentContext;
use super::shape::OneToOne;
use super::shape::WithBoundary;
use super::upstream::Upstream;
use super::worker_segment::OnWorkers;
use crate::stage::contract::Accepts;
use crate::stage::contract::Stage;

/// What many items go through: any [`Stage`], and stages with boundaries between them.
///
/// Only `pipeline!` makes one. `M` is its shape, [`OneToOne`] or [`WithBoundary`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not run on `{In}` with the state `{S}`",
    label = "this pipeline does not run",
    note = "each stage must take what the one before it returns, and find what it asks for in the state"
)]
pub trait RunMany<In, S, M = OneToOne>: Accepts<In> + Send + Sync {
    /// The same, over several tasks.
    #[doc(hidden)]
    type __OnWorkers: Accepts<In, Out = Self::Out>
    where
        Self: 'static,
        In: 'static,
        S: 'static,
        Self::Out: 'static;

    #[doc(hidden)]
    fn __on_workers(self: Arc<Self>) -> Arc<Self::__OnWorkers>
    where
        Self: 'static,
        In: 'static,
        S: 'static,
        Self::Out: 'static;

    /// Opens a line.
    #[doc(hidden)]
    fn __open<'a, U>(
        self: &'a Arc<Self>,
        upstream: U,
        deck: SegmentContext<'a, S>,
    ) -> impl Upstream<Root = U::Root, Item = Self::Out>
    where
        U: Upstream<Item = In>;
}

impl<In, S, F> RunMany<In, S, OneToOne> for F
where
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    type __OnWorkers
        = OnWorkers<F>
    where
        Self: 'static,
        In: 'static,
        S: 'static,
        Self::Out: 'static;

    fn __on_workers(self: Arc<Self>) -> Arc<OnWorkers<F>>
    where
        Self: 'static,
        In: 'static,
        S: 'static,
        Self::Out: 'static,
    {
        Arc::new(OnWorkers(self))
    }

    fn __open<'a, U>(
        self: &'a Arc<Self>,
        upstream: U,
        deck: SegmentContext<'a, S>,
    ) -> impl Upstream<Root = U::Root, Item = F::Out>
    where
        U: Upstream<Item = In>,
    {
        F::__segment(self, upstream, deck, true)
    }
}

/// A part of a pipeline with boundaries: stages, nothing, or two parts and the boundary between them.
pub trait Section<In, S>: Accepts<In> + Send + Sync {
    /// The same, over several tasks.
    type OnWorkers: Section<In, S, Out = Self::Out>
    where
        Self: 'static,
        In: 'static,
        S: 'static;

    /// The same, over several tasks.
    fn on_workers(&self) -> Self::OnWorkers
    where
        Self: 'static,
        In: 'static,
        S: 'static;

    /// Opens the part of a line, the last or not.
    fn open<'a, U>(
        &'a self,
        upstream: U,
        deck: SegmentContext<'a, S>,
        last: bool,
    ) -> impl Upstream<Root = U::Root, Item = Self::Out>
    where
        U: Upstream<Item = In>;
}

/// A boundary between two parts.
pub trait Boundary<In>: Accepts<In> + Clone + Send + Sync {
    /// Opens it.
    fn open<U>(&self, upstream: U) -> impl Upstream<Root = U::Root, Item = Self::Out>
    where
        U: Upstream<Item = In>;
}

/// A chain of stages.
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
    type OnWorkers
        = StageSection<OnWorkers<F>>
    where
        Self: 'static,
        In: 'static,
        S: 'static;

    fn on_workers(&self) -> Self::OnWorkers
    where
        Self: 'static,
        In: 'static,
        S: 'static,
    {
        StageSection(Arc::new(OnWorkers(Arc::clone(&self.0))))
    }

    fn open<'a, U>(
        &'a self,
        upstream: U,
        deck: SegmentContext<'a, S>,
        last: bool,
    ) -> impl Upstream<Root = U::Root, Item = F::Out>
    where
        U: Upstream<Item = In>,
    {
        F::__segment(&self.0, upstream, deck, last)
    }
}

/// No stages: before a boundary that comes first, behind one that comes last, between two.
#[derive(Debug, Clone, Copy)]
pub struct PassThrough;

impl<In: Send> Accepts<In> for PassThrough {
    type Out = In;
}

impl<In: Send, S> Section<In, S> for PassThrough {
    type OnWorkers
        = Self
    where
        Self: 'static,
        In: 'static,
        S: 'static;

    fn on_workers(&self) -> Self
    where
        Self: 'static,
        In: 'static,
        S: 'static,
    {
        *self
    }

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

/// Two parts, and the boundary between them.
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

impl<In, S, H, B, R> Section<In, S> for Bounded<H, B, R>
where
    H: Section<In, S>,
    B: Boundary<H::Out>,
    R: Section<B::Out, S>,
{
    type OnWorkers
        = Bounded<H::OnWorkers, B, R::OnWorkers>
    where
        Self: 'static,
        In: 'static,
        S: 'static;

    fn on_workers(&self) -> Self::OnWorkers
    where
        Self: 'static,
        In: 'static,
        S: 'static,
    {
        Bounded {
            head: self.head.on_workers(),
            boundary: self.boundary.clone(),
            rest: self.rest.on_workers(),
        }
    }

    fn open<'a, U>(
        &'a self,
        upstream: U,
        deck: SegmentContext<'a, S>,
        last: bool,
    ) -> impl Upstream<Root = U::Root, Item = R::Out>
    where
        U: Upstream<Item = In>,
    {
        let head = self.head.open(upstream, deck.clone(), false);
        self.rest.open(self.boundary.open(head), deck, last)
    }
}

impl<In, S, H, B, R> RunMany<In, S, WithBoundary<B>> for Bounded<H, B, R>
where
    H: Section<In, S>,
    B: Boundary<H::Out>,
    R: Section<B::Out, S>,
{
    type __OnWorkers
        = Bounded<H::OnWorkers, B, R::OnWorkers>
    where
        Self: 'static,
        In: 'static,
        S: 'static,
        R::Out: 'static;

    fn __on_workers(self: Arc<Self>) -> Arc<Self::__OnWorkers>
    where
        Self: 'static,
        In: 'static,
        S: 'static,
        R::Out: 'static,
    {
        Arc::new(self.on_workers())
    }

    fn __open<'a, U>(
        self: &'a Arc<Self>,
        upstream: U,
        deck: SegmentContext<'a, S>,
    ) -> impl Upstream<Root = U::Root, Item = R::Out>
    where
        U: Upstream<Item = In>,
    {
        self.open(upstream, deck, true)
    }
}
