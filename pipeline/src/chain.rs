//! `Chain`: stages in sequence, `a => b => c`.

use std::future::Future;

use crate::call::mechanism::Mechanism;
use crate::call::observe::{Observe, Unobserved};
use crate::call::stage_context::StageContext;
use crate::call::watch::Watch;
use crate::error::stage_error::StageError;
use crate::stage::contract::{Accepts, Stage};
use crate::stage::now::Now;
use crate::stage::plan::Plan;

/// Stages that are called in sequence with one item: `a => b => c` becomes `Chain<(a, b, c)>`.
#[derive(Debug, Clone, Copy)]
pub struct Chain<T>(#[doc(hidden)] pub T);

/// The calls of stages in sequence as one expression: a variable for each value would be part of the future.
macro_rules! calls {
    ($this:ident $observe:ident $cx:ident, $call:expr) => {
        $call.await
    };
    ($this:ident $observe:ident $cx:ident, $call:expr, $index:tt $(, $rest:tt)*) => {
        calls!($this $observe $cx, call_next($observe, $call.await?, &$this.0.$index, $cx) $(, $rest)*)
    };
}

/// The arguments are evaluated in this order, so that the stage is not part of the future during the call before.
#[inline]
fn call_next<In, S, Z, F, O>(
    observe: O,
    value: In,
    stage: &F,
    cx: &StageContext<'_, S, Z>,
) -> impl Future<Output = Result<F::Out, StageError>> + Send
where
    Z: Mechanism,
    F: Stage<In, S, Z>,
    O: Observe,
{
    stage.__call(observe, value, cx)
}

/// Implements `Stage` for a flat tuple: a call is one async block, as if handwritten. `pipeline!` nests longer chains.
macro_rules! chain {
    ($first:ident.$first_index:tt $(, $stage:ident.$index:tt after $before:ident)* => $last:ident) => {
        impl<In, $first, $($stage),*> Accepts<In> for Chain<($first, $($stage,)*)>
        where
            $first: Accepts<In>,
            $($stage: Accepts<$before::Out>,)*
        {
            type Out = $last::Out;

            fn __register(&mut self, plan: &mut Plan) {
                self.0.$first_index.__register(plan);
                $(self.0.$index.__register(plan);)*
            }

            fn __can_start(&self) -> bool {
                self.0.$first_index.__can_start()
            }
        }

        impl<In, S, Z, $first, $($stage),*> Stage<In, S, Z> for Chain<($first, $($stage,)*)>
        where
            In: Send,
            S: Send + Sync,
            Z: Mechanism,
            $first: Stage<In, S, Z>,
            $($stage: Stage<$before::Out, S, Z>,)*
        {
            const __NOW: Now =
                <$first as Stage<In, S, Z>>::__NOW$(.then(<$stage as Stage<$before::Out, S, Z>>::__NOW))*;

            #[inline]
            fn call(
                &self,
                input: In,
                cx: &StageContext<'_, S, Z>,
            ) -> impl Future<Output = Result<Self::Out, StageError>> + Send {
                self.__call(Unobserved, input, cx)
            }

            // An `async fn` would copy its arguments before it starts, and this is the hottest path.
            #[allow(clippy::manual_async_fn)]
            #[inline]
            fn __call<O: Observe>(
                &self,
                observe: O,
                input: In,
                cx: &StageContext<'_, S, Z>,
            ) -> impl Future<Output = Result<Self::Out, StageError>> + Send {
                async move {
                    calls!(self observe cx, self.0.$first_index.__call(observe, input, cx) $(, $index)*)
                }
            }

            #[inline]
            fn __call_now<W: Watch>(
                &self,
                watch: W,
                input: In,
                cx: &StageContext<'_, S, Z>,
            ) -> Result<Self::Out, StageError> {
                let value = self.0.$first_index.__call_now(watch, input, cx)?;
                $(let value = self.0.$index.__call_now(watch, value, cx)?;)*
                Ok(value)
            }
        }
    };
}

chain!(A.0 => A);

chain!(A.0, B.1 after A => B);

chain!(A.0, B.1 after A, C.2 after B => C);

chain!(A.0, B.1 after A, C.2 after B, D.3 after C => D);

chain!(A.0, B.1 after A, C.2 after B, D.3 after C, E.4 after D => E);

chain!(A.0, B.1 after A, C.2 after B, D.3 after C, E.4 after D, F.5 after E => F);

chain!(A.0, B.1 after A, C.2 after B, D.3 after C, E.4 after D, F.5 after E, G.6 after F => G);

chain!(A.0, B.1 after A, C.2 after B, D.3 after C, E.4 after D, F.5 after E, G.6 after F, H.7 after G => H);
