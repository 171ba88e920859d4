//! Stages one after another.

use std::future::Future;

use crate::call::caller::Caller;
use crate::call::caller::ObservedCaller;
use crate::call::stage_context::StageContext;
use crate::error::stage_error::StageError;
use crate::stage::contract::Accepts;
use crate::stage::contract::Stage;
use crate::stage::plan::Plan;

/// Stages that run one after another on one item: what `a => b => c` becomes, `Chain<(a, b, c)>`.
#[derive(Debug, Clone, Copy)]
pub struct Chain<T>(#[doc(hidden)] pub T);

/// A flat tuple, and its call one async block, as written by hand. `pipeline!` nests what is longer than the longest.
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
        }

        impl<In, S, $first, $($stage),*> Stage<In, S> for Chain<($first, $($stage,)*)>
        where
            In: Send,
            S: Send + Sync,
            $first: Stage<In, S>,
            $($stage: Stage<$before::Out, S>,)*
        {
            // Not an `async fn`, which would copy its arguments before it begins: this is the hottest path there is.
            #[allow(clippy::manual_async_fn)]
            #[inline]
            fn call(
                &self,
                input: In,
                cx: &StageContext<'_, S>,
            ) -> impl Future<Output = Result<Self::Out, StageError>> + Send {
                async move {
                    let value = self.0.$first_index.call(input, cx).await?;
                    $(let value = self.0.$index.call(value, cx).await?;)*
                    Ok(value)
                }
            }

            async fn __call_observed(&self, input: In, cx: &StageContext<'_, S>) -> Result<Self::Out, StageError> {
                let value = ObservedCaller.call(&self.0.$first_index, input, cx).await?;
                $(let value = ObservedCaller.call(&self.0.$index, value, cx).await?;)*
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
