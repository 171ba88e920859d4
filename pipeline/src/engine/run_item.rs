//! Runs one item through a chain of stages.

use std::sync::Arc;

use super::item_result::{ItemResult, item_result};

use crate::call::catch_panic::{CatchPanic, panic_failure};
use crate::call::observe::{Observed, Unobserved};
use crate::call::stage_context::StageContext;
use crate::run::item::Item;
use crate::run::shared::Run;
use crate::stage::contract::Stage;

/// Runs one item through the stages. A panic in a stage fails this item only.
pub(crate) async fn run_item<In, F, S>(
    stages: &F,
    input: In,
    state: &Arc<S>,
    run: &Run<'_>,
    index: usize,
    observed: bool,
) -> ItemResult<F::Out>
where
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    let item = Item::new(run, index, observed);
    let cx = StageContext::new(state, &item);
    let result = if observed {
        Box::pin(CatchPanic { call: stages.__call(Observed, input, &cx) }).await
    } else {
        CatchPanic { call: stages.__call(Unobserved, input, &cx) }.await
    };
    match result.unwrap_or_else(|payload| Err(panic_failure(run, payload))) {
        Ok(output) if !item.has_extra() => Ok(output),
        other => item_result(other, &item),
    }
}
