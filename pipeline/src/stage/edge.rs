//! The edges of a pipeline while it is being checked.

use std::marker::PhantomData;

/// The type that goes over an edge.
#[doc(hidden)]
pub struct EdgeType<T>(PhantomData<fn() -> T>);

impl<T> EdgeType<T> {
    /// An edge whose type is known, or follows.
    #[must_use]
    pub fn new() -> Self {
        Self(PhantomData)
    }
}

impl<T> Default for EdgeType<T> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T> Clone for EdgeType<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for EdgeType<T> {}

/// `F`, said in terms of `Out`.
///
/// A stage that has passed its check has this type. Where the check failed `Out` is not known, so this is not known
/// either, and rustc reports nothing that depends on it: the mismatch is told once.
pub(crate) type Kept<Out, F> = <Out as Keep<F>>::Same;

/// See [`Kept`].
#[doc(hidden)]
pub trait Keep<F> {
    /// `F`.
    type Same;

    /// The value as it is.
    fn keep(value: F) -> Self::Same;
}

impl<Out, F> Keep<F> for Out {
    type Same = F;

    fn keep(value: F) -> F {
        value
    }
}
