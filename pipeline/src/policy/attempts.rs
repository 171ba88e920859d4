//! How a stage is attempted: once, or again.

use std::future::Future;

use super::limits::Limit;
use super::{Spec, retrying, single};
use crate::function::{Again, Once, Repeat};
use crate::plan::Slot;
use crate::{Scope, StageError};

/// [`Once`] or [`Again`], with copies of what `Moved`.
pub trait Attempted<Moved>: Copy + Send + Sync {
    /// Calls a stage in this way.
    #[allow(clippy::too_many_arguments)] // What a call knows, once.
    fn call<F, In, S, L>(
        self,
        stage: &F,
        spec: &Spec,
        slot: Slot,
        limit: &L,
        input: In,
        cx: &Scope<'_, S>,
    ) -> impl Future<Output = Result<F::Value, StageError>> + Send
    where
        In: Send,
        S: Send + Sync,
        F: Repeat<In, S, Moved = Moved>,
        L: Limit;
}

impl<M> Attempted<M> for Once {
    #[inline]
    fn call<F, In, S, L>(
        self,
        stage: &F,
        spec: &Spec,
        slot: Slot,
        limit: &L,
        input: In,
        cx: &Scope<'_, S>,
    ) -> impl Future<Output = Result<F::Value, StageError>> + Send
    where
        In: Send,
        S: Send + Sync,
        F: Repeat<In, S, Moved = M>,
        L: Limit,
    {
        single(stage, spec, slot, limit, input, cx)
    }
}

impl<M: Send> Attempted<M> for Again<M> {
    #[inline]
    fn call<F, In, S, L>(
        self,
        stage: &F,
        spec: &Spec,
        slot: Slot,
        limit: &L,
        input: In,
        cx: &Scope<'_, S>,
    ) -> impl Future<Output = Result<F::Value, StageError>> + Send
    where
        In: Send,
        S: Send + Sync,
        F: Repeat<In, S, Moved = M>,
        L: Limit,
    {
        retrying(stage, self, spec, slot, limit, input, cx)
    }
}
