//! Steps that take values which others want, too: what a fork calls.

use std::future::Future;

use super::lend::Mode;
use crate::plan::{Plan, Slot};
use crate::policy::{Limit, Spec};
use crate::{Scope, StageError};

/// The values that a call takes, as a tuple, and as the one input that they are.
pub trait List {
    /// Nothing, one value, or the tuple of several.
    type One;

    /// The input.
    fn one(self) -> Self::One;
}

/// The ways in which a call has its values.
pub trait Modes<L> {
    /// What it has of them.
    type Args<'a>: Send
    where
        L: 'a;
}

/// What a call has of its values.
pub type Args<'a, L, F> = <<F as Takes<L>>::Modes as Modes<L>>::Args<'a>;

macro_rules! list {
    ($($value:ident $mode:ident),*) => {
        impl<$($value),*> List for ($($value,)*) {
            type One = list!(@one $($value)*);

            #[inline]
            fn one(self) -> Self::One {
                #[allow(non_snake_case)]
                let ($($value,)*) = self;
                list!(@one $($value)*)
            }
        }

        impl<$($value, $mode: Mode<$value>),*> Modes<($($value,)*)> for ($($mode,)*) {
            type Args<'a>
                = ($($mode::Arg<'a>,)*)
            where
                ($($value,)*): 'a;
        }
    };
    (@one $one:ident) => { $one };
    (@one $($several:ident)*) => { ($($several),*) };
}

list!();
list!(A M);
list!(A M, B N);
list!(A M, B N, C O);
list!(A M, B N, C O, D P);
list!(A M, B N, C O, D P, E Q);
list!(A M, B N, C O, D P, E Q, F R);
list!(A M, B N, C O, D P, E Q, F R, G S);
list!(A M, B N, C O, D P, E Q, F R, G S, H T);

/// How a step takes its values: the types alone. What else there is to it, it has as one that [`Accepts`](crate::Accepts) an input.
pub trait Takes<L> {
    /// What comes out.
    type Out;
    /// [`Lent`](super::Lent) or [`Moved`](super::Moved), for each value.
    type Modes: Modes<L>;

    /// See [`Accepts`](crate::Accepts).
    fn mount(&mut self, plan: &mut Plan);

    /// See [`Accepts`](crate::Accepts).
    fn label(&self) -> Option<(&'static str, Slot)>;
}

/// A step that can be called with values that others want too.
pub trait Callable<L, S>: Takes<L> + Send + Sync {
    /// Calls it.
    fn call_with<'a>(
        &self,
        args: Args<'a, L, Self>,
        cx: &Scope<'_, S>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send
    where
        L: 'a;

    /// The same, watched. See `Stage::__call_watched`.
    fn call_with_watched<'a>(
        &self,
        args: Args<'a, L, Self>,
        cx: &Scope<'_, S>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send
    where
        L: 'a,
    {
        self.call_with(args, cx)
    }
}

/// A stage function that can be called with such values under another policy than its own, attempted as `A` says.
pub trait Under<L, S, A>: Takes<L> + Send + Sync {
    /// Calls it.
    fn call_under<'a, X: Limit>(
        &self,
        attempts: A,
        spec: &Spec,
        slot: Slot,
        limit: &X,
        args: Args<'a, L, Self>,
        cx: &Scope<'_, S>,
    ) -> impl Future<Output = Result<Self::Out, StageError>> + Send
    where
        L: 'a;
}
