//! `Route`: the branch of the first matching pattern, `match { … }`.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;

use super::step::{Branches, Branching};
use crate::call::mechanism::Mechanism;
use crate::call::observe::Observe;
use crate::call::stage_context::StageContext;
use crate::call::user_code::{CodeSite, guard_user_code};
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::stage::contract::{Accepts, Stage};

/// A `match` with a branch per pattern: the form `match { pattern => value => chain, … }`.
pub struct Route<In, C, A, const N: usize> {
    site: CodeSite,
    /// The `match`, which returns the arm and its input.
    choose: C,
    arms: A,
    heads: [StepId; N],
    end: StepId,
    input: PhantomData<fn(In)>,
}

impl<In, C, A, const N: usize> Route<In, C, A, N> {
    pub(crate) fn new(site: CodeSite, choose: C, arms: A, heads: [StepId; N], end: StepId) -> Self {
        Self { site, choose, arms, heads, end, input: PhantomData }
    }
}

impl<In, C, A, const N: usize> fmt::Debug for Route<In, C, A, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Route").field(&self.site.name).finish()
    }
}

macro_rules! route {
    ($one_of:ident $count:literal: $first:ident $first_value:ident $first_index:tt $(, $arm:ident $value:ident $index:tt)*) => {
        /// The arm for an item, and its input.
        #[derive(Debug, Clone, Copy)]
        pub enum $one_of<$first_value, $($value),*> {
            #[doc(hidden)]
            $first($first_value),
            $(#[doc(hidden)] $arm($value)),*
        }

        impl<In, Choose, $first, $first_value, $($arm, $value),*> Branches<In> for Route<In, Choose, ($first, $($arm,)*), $count>
        where
            Choose: Fn(In) -> $one_of<$first_value, $($value),*>,
            $first: Accepts<$first_value>,
            $($arm: Accepts<$value, Out = $first::Out>,)*
        {
            type Out = $first::Out;
        }

        impl<In, S, Z, Choose, $first, $first_value, $($arm, $value),*> Branching<In, S, Z>
            for Route<In, Choose, ($first, $($arm,)*), $count>
        where
            In: Send,
            S: Send + Sync,
            Choose: Fn(In) -> $one_of<$first_value, $($value),*> + Send + Sync,
            $first: Stage<$first_value, S, Z>,
            Z: Mechanism,
            $first_value: Send,
            $($arm: Stage<$value, S, Z, Out = $first::Out>, $value: Send,)*
        {
            fn go<'r, Obs: Observe>(
                &'r self,
                observe: Obs,
                input: In,
                cx: StageContext<'r, S, Z>,
            ) -> impl Future<Output = Result<$first::Out, StageError>> + Send {
                async move {
                    let cx = &cx;
                    let output = match guard_user_code(self.site, cx, || (self.choose)(input)) {
                        $one_of::$first(value) => {
                            cx.passes(self.heads[$first_index]);
                            self.arms.$first_index.__call(observe, value, cx).await?
                        }
                        $($one_of::$arm(value) => {
                            cx.passes(self.heads[$index]);
                            self.arms.$index.__call(observe, value, cx).await?
                        })*
                    };
                    cx.passes(self.end);
                    Ok(output)
                }
            }
        }
    };
}

route!(OneOf1 1: A B 0);

route!(OneOf2 2: A I 0, B J 1);

route!(OneOf3 3: A I 0, B J 1, C K 2);

route!(OneOf4 4: A I 0, B J 1, C K 2, D L 3);

route!(OneOf5 5: A I 0, B J 1, C K 2, D L 3, E M 4);

route!(OneOf6 6: A I 0, B J 1, C K 2, D L 3, E M 4, F N 5);

route!(OneOf7 7: A I 0, B J 1, C K 2, D L 3, E M 4, F N 5, G O 6);

route!(OneOf8 8: A I 0, B J 1, C K 2, D L 3, E M 4, F N 5, G O 6, H P 7);
