//! Calls of stages with a policy but without retries.

use std::future::Future;

use super::attempt::{Attempt, acquire, call_error, expired};
use super::gate::Gate;
use super::stage_use::StageUse;
use crate::call::stage_context::PlainContext;
use crate::call::timer::CallTimer;
use crate::error::panic_origin::PanicGuard;
use crate::error::stage_error::StageError;
use crate::stage::function::Function;

/// Calls a stage once. A call that is ready at its first poll reads no clock, starts no timer and allocates nothing.
#[allow(clippy::manual_async_fn)] // An `async fn` would copy its arguments before it starts.
#[inline]
pub(crate) fn single<F, In, S, G>(
    StageUse { stage, policy, step, gate }: StageUse<'_, F, G>,
    input: In,
    cx: &PlainContext<'_, S>,
) -> impl Future<Output = Result<F::Value, StageError>> + Send
where
    In: Send,
    S: Send + Sync,
    F: Function<In, S>,
    G: Gate,
{
    async move {
        let mut timer = CallTimer::new(cx.item(), cx.step(*step));
        let permit = match acquire!(gate, policy, &mut timer, 1) {
            Ok(permit) => permit,
            Err(limit) => return Err(expired(policy, &mut timer, limit, 0, Vec::new())),
        };
        // The site is gone before the attempt is awaited: the future would store it.
        let future = {
            let site = timer.call_site(policy.name, 1);
            PanicGuard::guard(site, || stage.call_once(input, cx.stage_context(), site))
        };
        match Attempt::new(future, &mut timer, policy, 1).await {
            Ok(value) => {
                timer.finish();
                G::record(&permit, policy, true);
                Ok(value)
            }
            Err(error) => {
                G::record(&permit, policy, false);
                let attempts = error.attempts(1);
                Err(call_error(policy, &mut timer, error, attempts, Vec::new()))
            }
        }
    }
}
