//! `EdgeType`: the type of a value between two steps, for the checks of `pipeline!`.

use std::marker::PhantomData;

/// The type of an edge, without a value.
#[doc(hidden)]
pub struct EdgeType<T>(PhantomData<fn() -> T>);

impl<T> EdgeType<T> {
    /// An edge. Its type is given or inferred.
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

/// `F`, as a projection of `Out`.
///
/// A checked stage has this type. If the check failed, rustc knows neither `Out` nor this type, so it reports the mismatch
/// once, and no error that depends on it.
pub(crate) type Kept<Out, F> = <Out as Keep<F>>::Same;

/// See [`Kept`].
#[doc(hidden)]
pub trait Keep<F> {
    /// `F`.
    type Same;

    /// The same value.
    fn keep(value: F) -> Self::Same;
}

impl<Out, F> Keep<F> for Out {
    type Same = F;

    fn keep(value: F) -> F {
        value
    }
}
