//! Runs one item through a chain of stages.

use std::future::Future;
use std::sync::Arc;

use super::item_result::{ItemFailure, ItemResult, item_result};

use crate::call::catch_panic::{CatchPanic, panic_failure};
use crate::call::observe::{Observed, Unobserved};
use crate::call::stage_context::StageContext;
use crate::run::item::Item;
use crate::run::order::Place;
use crate::run::shared::Run;
use crate::stage::contract::Stage;

/// Runs one item through the stages.
#[allow(clippy::manual_async_fn)] // An `async fn` would copy its arguments before it starts.
#[inline]
pub(super) fn run_unobserved<'a, In, F, S>(
    stages: &'a F,
    input: In,
    state: &'a Arc<S>,
    run: &'a Run<'a>,
    index: usize,
) -> impl Future<Output = ItemResult<F::Out>> + Send + use<'a, In, F, S>
where
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    async move {
        let mut item = Item::new(run, index, false);
        let cx = StageContext::new(state, &item);
        match stages.__call(Unobserved, input, &cx).await {
            Ok(output) if !item.has_extra() => Ok(output),
            other => item_result(other, &item),
        }
    }
}

/// Runs one item whose calls are timed from their start and reported to observers, or one that has a place in the order of
/// its segment. `observed` says whether it is one of the former.
pub(super) async fn run_observed<In, F, S>(
    stages: &F,
    input: In,
    state: &Arc<S>,
    run: &Run<'_>,
    (index, observed): (usize, bool),
    place: Option<Place>,
) -> ItemResult<F::Out>
where
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    let item = Item::new(run, index, observed).at_place(place.as_ref());
    let cx = StageContext::new(state, &item);
    let result = stages.__call(Observed, input, &cx).await;
    item_result(result, &item)
}

/// Runs one item through the stages. A panic in a stage fails this item only.
pub(crate) async fn run_item<In, F, S>(
    stages: &F,
    input: In,
    state: &Arc<S>,
    run: &Run<'_>,
    index: usize,
    observed: bool,
    place: Option<Place>,
) -> ItemResult<F::Out>
where
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    let result = if observed || place.is_some() {
        let call = run_observed(stages, input, state, run, (index, observed), place);
        Box::pin(CatchPanic { call }).await
    } else {
        CatchPanic { call: run_unobserved(stages, input, state, run, index) }.await
    };
    result.unwrap_or_else(|payload| Err(ItemFailure::Failed(panic_failure(run, payload)).into()))
}
