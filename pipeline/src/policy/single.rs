//! One call of a stage under its policy.
//!
//! Most calls are done, and well, at their first poll. That way is straight: it reads no clock, arms no timer and
//! allocates nothing, and what a call has to remember for its bad days is small. The rest is out of the way, in
//! functions of its own.

use std::future::Future;

use super::attempt::Attempt;
use super::attempt::acquire;
use super::attempt::report;
use super::attempt::unattempted;
use super::gate::Gate;
use super::timeout::LazyTimer;
use crate::call::stage_context::StageContext;
use crate::call::timer::CallTimer;
use crate::error::panic_origin::PanicGuard;
use crate::error::stage_error::StageError;
use crate::error::step_id::StepId;
use crate::stage::attribute::Policy;
use crate::stage::function::Function;

/// A call of a stage that is attempted once.
///
/// # Errors
///
/// The call's failure.
#[allow(clippy::manual_async_fn)] // An `async fn` would copy its arguments before it begins.
#[inline]
pub fn single<F, In, S, L>(
    stage: &F,
    policy: &Policy,
    step: StepId,
    gate: &L,
    input: In,
    cx: &StageContext<'_, S>,
) -> impl Future<Output = Result<F::Value, StageError>> + Send
where
    In: Send,
    S: Send + Sync,
    F: Function<In, S>,
    L: Gate,
{
    async move {
        let mut timer = CallTimer::new(cx.item(), cx.step(step));
        let _permit = match gate.try_acquire(policy) {
            Some(permit) => permit,
            None => match acquire(gate, policy, &mut timer, 1).await {
                Ok(permit) => permit,
                Err(expired) => return Err(unattempted(policy, &mut timer, expired)),
            },
        };
        let site = timer.call_site(policy.name, 1);
        let future = PanicGuard::guard(site, || stage.call_once(input, *cx, site));
        let attempt =
            Attempt { future, timer: &mut timer, policy, number: 1, deadline_timer: LazyTimer::Unset };
        match attempt.await {
            Ok(value) => {
                timer.finish();
                Ok(value)
            }
            Err(error) => Err(report(policy, &mut timer, error, 1, Vec::new())),
        }
    }
}
