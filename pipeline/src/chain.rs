//! `Chain`: stages in sequence, `a => b => c`.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

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

pin_project! {
    /// The future of the calls of a chain: polls the call that runs, and starts the next with its output.
    ///
    /// It is not an async block, because the compiler limits how deep types are nested, and a future in an async block counts
    /// five times.
    pub(crate) struct Calls<'r, F, O, X, R, P> {
        stages: &'r F,
        observe: O,
        cx: X,
        #[pin]
        running: R,
        poll: P,
    }
}

impl<'r, F, O, X, R, P> Calls<'r, F, O, X, R, P> {
    #[inline]
    pub(crate) fn new<T>(stages: &'r F, observe: O, cx: X, running: R, poll: P) -> Self
    where
        P: Fn(Pin<&mut R>, &'r F, O, X, &mut Context<'_>) -> Poll<Result<T, StageError>>,
    {
        Self { stages, observe, cx, running, poll }
    }
}

impl<'r, F, O, X, R, T, P> Future for Calls<'r, F, O, X, R, P>
where
    O: Copy,
    X: Copy,
    P: Fn(Pin<&mut R>, &'r F, O, X, &mut Context<'_>) -> Poll<Result<T, StageError>>,
{
    type Output = Result<T, StageError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        (this.poll)(this.running, this.stages, *this.observe, *this.cx, cx)
    }
}

pin_project! {
    /// The same for a nested chain, with a pointer to the function. The type of a closure has the types of the calls in it once
    /// more, so with each level of nested chains the type of the future would become twice as large.
    struct NestedCalls<'r, F, O, X, R, T> {
        stages: &'r F,
        observe: O,
        cx: X,
        #[pin]
        running: R,
        poll: PollCalls<'r, F, O, X, R, T>,
    }
}

type PollCalls<'r, F, O, X, R, T> =
    fn(Pin<&mut R>, &'r F, O, X, &mut Context<'_>) -> Poll<Result<T, StageError>>;

impl<'r, F, O, X, R, T> NestedCalls<'r, F, O, X, R, T> {
    #[inline]
    fn new(stages: &'r F, observe: O, cx: X, running: R, poll: PollCalls<'r, F, O, X, R, T>) -> Self {
        Self { stages, observe, cx, running, poll }
    }
}

impl<F, O: Copy, X: Copy, R, T> Future for NestedCalls<'_, F, O, X, R, T> {
    type Output = Result<T, StageError>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        (this.poll)(this.running, this.stages, *this.observe, *this.cx, cx)
    }
}

/// The call that runs: an enum with a variant per stage.
macro_rules! running {
    ($($running:ident $variants:ident: $($call:ident)+;)+) => {$(
        pin_project! {
            #[project = $variants]
            pub(crate) enum $running<$($call),+> {
                $($call { #[pin] call: $call },)+
            }
        }
    )+};
}

running! {
    Running2 Variants2: A B;
    Running3 Variants3: A B C;
    Running4 Variants4: A B C D;
    Running5 Variants5: A B C D E;
    Running6 Variants6: A B C D E F;
    Running7 Variants7: A B C D E F G;
    Running8 Variants8: A B C D E F G H;
}

/// The future of a chain whose first call is given.
macro_rules! calls {
    ($future:ident $method:ident $running:ident $variants:ident $stages:expr, $observe:ident, $cx:ident, $call:ident) => { $call };
    ($future:ident $method:ident $running:ident $variants:ident $stages:expr, $observe:ident, $cx:ident, $call:ident $(, $before:ident $stage:ident $index:tt)+) => {
        $future::new($stages, $observe, $cx, $running::A { call: $call }, |mut running, stages, observe, cx, task| {
            $(
                if let $variants::$before { call } = running.as_mut().project() {
                    let value = ready!(call.poll(task))?;
                    let call = stages.$index.$method(observe, value, cx);
                    running.set($running::$stage { call });
                }
            )+
            last_call!($variants running task $($stage)+)
        })
    };
}

/// Polls the last call.
macro_rules! last_call {
    ($variants:ident $running:ident $task:ident $last:ident) => {
        match $running.project() {
            $variants::$last { call } => call.poll($task),
            _ => unreachable!("each stage is followed by the next"),
        }
    };
    ($variants:ident $running:ident $task:ident $stage:ident $($rest:ident)+) => {
        last_call!($variants $running $task $($rest)+)
    };
}

/// Implements `Stage` for a flat tuple. `pipeline!` nests longer chains.
macro_rules! chain {
    ($running:ident $variants:ident: $first:ident.$first_index:tt $(, $stage:ident.$index:tt after $before:ident)* => $last:ident) => {
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
            fn call<'r>(
                &'r self,
                input: In,
                cx: &'r StageContext<'_, S, Z>,
            ) -> impl Future<Output = Result<Self::Out, StageError>> + Send {
                self.__call(Unobserved, input, cx)
            }

            #[inline]
            fn __call<'r, O: Observe>(
                &'r self,
                observe: O,
                input: In,
                cx: &'r StageContext<'_, S, Z>,
            ) -> impl Future<Output = Result<Self::Out, StageError>> + Send {
                let call = self.0.$first_index.__call(observe, input, cx);
                calls!(Calls __call $running $variants &self.0, observe, cx, call $(, $before $stage $index)*)
            }

            #[inline]
            fn __call_nested<'r, O: Observe>(
                &'r self,
                observe: O,
                input: In,
                cx: StageContext<'r, S, Z>,
            ) -> impl Future<Output = Result<Self::Out, StageError>> + Send {
                let call = self.0.$first_index.__call_nested(observe, input, cx);
                calls!(NestedCalls __call_nested $running $variants &self.0, observe, cx, call $(, $before $stage $index)*)
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

chain!(Running1 Variants1: A.0 => A);

chain!(Running2 Variants2: A.0, B.1 after A => B);

chain!(Running3 Variants3: A.0, B.1 after A, C.2 after B => C);

chain!(Running4 Variants4: A.0, B.1 after A, C.2 after B, D.3 after C => D);

chain!(Running5 Variants5: A.0, B.1 after A, C.2 after B, D.3 after C, E.4 after D => E);

chain!(Running6 Variants6: A.0, B.1 after A, C.2 after B, D.3 after C, E.4 after D, F.5 after E => F);

chain!(Running7 Variants7: A.0, B.1 after A, C.2 after B, D.3 after C, E.4 after D, F.5 after E, G.6 after F => G);

chain!(Running8 Variants8: A.0, B.1 after A, C.2 after B, D.3 after C, E.4 after D, F.5 after E, G.6 after F, H.7 after G => H);
