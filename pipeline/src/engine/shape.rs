//! The shapes of a pipeline: one item in and one out, or with a boundary.

use std::marker::PhantomData;

/// The shape of a pipeline that takes one item and gives one.
#[derive(Debug, Clone, Copy)]
pub struct OneToOne(());

/// The shape of a pipeline whose first boundary is `B`.
#[derive(Debug, Clone, Copy)]
pub struct WithBoundary<B>(PhantomData<B>);
