//! What a pipeline is made of when many items go through it: sections of stages, and boundaries between them.

use std::marker::PhantomData;
use std::sync::Arc;

use super::batch::Batch;
use super::each::{Each, boundary};
use super::segment::Deck;
use super::spread::Spread;
use super::upstream::Upstream;
use crate::plan::Plan;
use crate::{Accepts, Stage};

/// The shape of a pipeline that takes one item and gives one.
#[derive(Debug, Clone, Copy)]
pub struct Whole(());

/// The shape of a pipeline whose first boundary is `B`.
#[derive(Debug, Clone, Copy)]
pub struct Parted<B>(PhantomData<B>);

/// What many items go through: any [`Stage`], and stages with boundaries between them.
///
/// Only `pipeline!` makes one. `M` is its shape, [`Whole`] or [`Parted`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not run on `{In}` with the state `{S}`",
    label = "this pipeline does not run",
    note = "each stage must take what the one before it returns, and find what it asks for in the state"
)]
pub trait Flow<In, S, M = Whole>: Accepts<In> + Send + Sync {
    /// The same, over several tasks.
    #[doc(hidden)]
    type __Spread: Accepts<In, Out = Self::Out>
    where
        Self: 'static,
        In: 'static,
        S: 'static,
        Self::Out: 'static;

    #[doc(hidden)]
    fn __spread(self: Arc<Self>) -> Arc<Self::__Spread>
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
        deck: Deck<'a, S>,
    ) -> impl Upstream<Root = U::Root, Item = Self::Out>
    where
        U: Upstream<Item = In>;
}

impl<In, S, F> Flow<In, S, Whole> for F
where
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    type __Spread
        = Spread<F>
    where
        Self: 'static,
        In: 'static,
        S: 'static,
        Self::Out: 'static;

    fn __spread(self: Arc<Self>) -> Arc<Spread<F>>
    where
        Self: 'static,
        In: 'static,
        S: 'static,
        Self::Out: 'static,
    {
        Arc::new(Spread(self))
    }

    fn __open<'a, U>(
        self: &'a Arc<Self>,
        upstream: U,
        deck: Deck<'a, S>,
    ) -> impl Upstream<Root = U::Root, Item = F::Out>
    where
        U: Upstream<Item = In>,
    {
        F::__segment(self, upstream, deck, true)
    }
}

/// A part of a pipeline with boundaries: stages, nothing, or two parts and the boundary between them.
pub trait Course<In, S>: Accepts<In> + Send + Sync {
    /// The same, over several tasks.
    type Spread: Course<In, S, Out = Self::Out>
    where
        Self: 'static,
        In: 'static,
        S: 'static;

    /// The same, over several tasks.
    fn spread(&self) -> Self::Spread
    where
        Self: 'static,
        In: 'static,
        S: 'static;

    /// Opens the part of a line, the last or not.
    fn open<'a, U>(
        &'a self,
        upstream: U,
        deck: Deck<'a, S>,
        last: bool,
    ) -> impl Upstream<Root = U::Root, Item = Self::Out>
    where
        U: Upstream<Item = In>;
}

/// A boundary between two parts.
pub trait Border<In>: Accepts<In> + Clone + Send + Sync {
    /// Opens it.
    fn open<U>(&self, upstream: U) -> impl Upstream<Root = U::Root, Item = Self::Out>
    where
        U: Upstream<Item = In>;
}

/// A chain of stages.
pub struct Staged<F>(Arc<F>);

impl<F> Staged<F> {
    pub(crate) fn new(stages: F) -> Self {
        Self(Arc::new(stages))
    }
}

impl<In, F: Accepts<In>> Accepts<In> for Staged<F> {
    type Out = F::Out;
}

impl<In, S, F> Course<In, S> for Staged<F>
where
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    type Spread
        = Staged<Spread<F>>
    where
        Self: 'static,
        In: 'static,
        S: 'static;

    fn spread(&self) -> Self::Spread
    where
        Self: 'static,
        In: 'static,
        S: 'static,
    {
        Staged(Arc::new(Spread(Arc::clone(&self.0))))
    }

    fn open<'a, U>(
        &'a self,
        upstream: U,
        deck: Deck<'a, S>,
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
pub struct Empty;

impl<In: Send> Accepts<In> for Empty {
    type Out = In;
}

impl<In: Send, S> Course<In, S> for Empty {
    type Spread
        = Self
    where
        Self: 'static,
        In: 'static,
        S: 'static;

    fn spread(&self) -> Self
    where
        Self: 'static,
        In: 'static,
        S: 'static,
    {
        *self
    }

    fn open<'a, U>(&'a self, upstream: U, _: Deck<'a, S>, _: bool) -> impl Upstream<Root = U::Root, Item = In>
    where
        U: Upstream<Item = In>,
    {
        upstream
    }
}

/// Two parts, and the boundary between them.
#[derive(Debug, Clone, Copy)]
pub struct Cut<H, B, R> {
    head: H,
    boundary: B,
    rest: R,
}

impl<H, B, R> Cut<H, B, R> {
    pub(crate) fn new(head: H, boundary: B, rest: R) -> Self {
        Self { head, boundary, rest }
    }
}

impl<In, H, B, R> Accepts<In> for Cut<H, B, R>
where
    H: Accepts<In>,
    B: Accepts<H::Out>,
    R: Accepts<B::Out>,
{
    type Out = R::Out;
}

impl<In, S, H, B, R> Course<In, S> for Cut<H, B, R>
where
    H: Course<In, S>,
    B: Border<H::Out>,
    R: Course<B::Out, S>,
{
    type Spread
        = Cut<H::Spread, B, R::Spread>
    where
        Self: 'static,
        In: 'static,
        S: 'static;

    fn spread(&self) -> Self::Spread
    where
        Self: 'static,
        In: 'static,
        S: 'static,
    {
        Cut { head: self.head.spread(), boundary: self.boundary.clone(), rest: self.rest.spread() }
    }

    fn open<'a, U>(
        &'a self,
        upstream: U,
        deck: Deck<'a, S>,
        last: bool,
    ) -> impl Upstream<Root = U::Root, Item = R::Out>
    where
        U: Upstream<Item = In>,
    {
        let head = self.head.open(upstream, deck.clone(), false);
        self.rest.open(self.boundary.open(head), deck, last)
    }
}

impl<In, S, H, B, R> Flow<In, S, Parted<B>> for Cut<H, B, R>
where
    H: Course<In, S>,
    B: Border<H::Out>,
    R: Course<B::Out, S>,
{
    type __Spread
        = Cut<H::Spread, B, R::Spread>
    where
        Self: 'static,
        In: 'static,
        S: 'static,
        R::Out: 'static;

    fn __spread(self: Arc<Self>) -> Arc<Self::__Spread>
    where
        Self: 'static,
        In: 'static,
        S: 'static,
        R::Out: 'static,
    {
        Arc::new(self.spread())
    }

    fn __open<'a, U>(
        self: &'a Arc<Self>,
        upstream: U,
        deck: Deck<'a, S>,
    ) -> impl Upstream<Root = U::Root, Item = R::Out>
    where
        U: Upstream<Item = In>,
    {
        self.open(upstream, deck, true)
    }
}

/// What `each` can give the items of: anything to iterate over; of an `Option`, what is in it.
#[diagnostic::on_unimplemented(
    message = "`each` gives the items of what comes in, one by one, and `{Self}` has none to give",
    label = "`{Self}` is not something to iterate over",
    note = "return a `Vec`, an iterator that is `Send`, or an `Option` (which makes `each` a filter) from the stage before it"
)]
pub trait Items {
    /// What comes out.
    type Item: Send;
    /// How.
    type Iter: Iterator<Item = Self::Item> + Send;

    /// Opens it.
    fn items(self) -> Self::Iter;
}

#[diagnostic::do_not_recommend]
impl<T> Items for T
where
    T: IntoIterator<Item: Send, IntoIter: Send>,
{
    type Item = T::Item;
    type Iter = T::IntoIter;

    fn items(self) -> T::IntoIter {
        self.into_iter()
    }
}

impl<In: Items> Accepts<In> for boundary::each {
    type Out = In::Item;

    fn __mount(&mut self, plan: &mut Plan) {
        self.slot = plan.boundary("each");
    }
}

impl<In: Items + Send> Border<In> for boundary::each {
    fn open<U>(&self, upstream: U) -> impl Upstream<Root = U::Root, Item = In::Item>
    where
        U: Upstream<Item = In>,
    {
        Each::new(upstream, self.slot)
    }
}

impl<In: Send> Accepts<In> for boundary::batch {
    type Out = Vec<In>;

    fn __mount(&mut self, plan: &mut Plan) {
        self.slot = plan.boundary(format!("batch({})", self.size));
    }
}

impl<In: Send> Border<In> for boundary::batch {
    fn open<U>(&self, upstream: U) -> impl Upstream<Root = U::Root, Item = Vec<In>>
    where
        U: Upstream<Item = In>,
    {
        Batch::new(upstream, *self)
    }
}
