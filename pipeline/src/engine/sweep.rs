//! `Sweep`: items that go from an iterator through stages without a future into the sink, in one loop.
//!
//! Such stages cost less than what the engine does for each call: a slot, a future, a look at the sink. So a source that is an
//! iterator offers the segment after it many items at once. If that segment has no call in flight and no buffered result, and
//! its stages can be called without a future, it maps the iterator and offers it to the sink. Nothing else is left in the
//! loop, so the compiler can unroll and vectorize it. Runs with observers or dead letters have no sweeps, and an item that
//! fails ends the sweep.

use std::sync::Arc;

use super::provenance::Provenance;
use super::swept::{SweepEnd, Swept};
use super::turn::Turn;
use super::upstream::Downstream;

use crate::call::catch_panic::panic_failure;
use crate::call::observe::Unobserved;
use crate::call::stage_context::StageContext;
use crate::call::watch::{OneOf, Watch};
use crate::error::panic_origin::CallSite;
use crate::run::item::Item;
use crate::run::shared::Run;
use crate::stage::contract::Stage;
use crate::stage::now::Now;

/// The stages of a segment, as a sweep calls them.
pub(crate) trait SweepStages<In> {
    type Out;

    /// Whether there are sweeps.
    const POSSIBLE: bool;

    /// Calls the stages with each item, and offers the outputs to `downstream`, which expects so many in all. The one item of
    /// a `sample` is timed, and represents so many calls.
    fn sweep<G, D>(
        &self,
        turn: &mut Turn<'_, '_, G::Root>,
        downstream: &mut D,
        items: impl Iterator<Item = In>,
        expected: usize,
        sample: Option<u64>,
    ) -> Swept
    where
        G: Provenance,
        D: Downstream<G, Self::Out>;
}

/// A chain of stages.
pub(crate) struct ChainSweeps<'a, F, S> {
    pub(crate) stages: &'a F,
    pub(crate) state: &'a Arc<S>,
    pub(crate) run: &'a Run<'a>,
}

impl<In, F, S> SweepStages<In> for ChainSweeps<'_, F, S>
where
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    type Out = F::Out;

    const POSSIBLE: bool = F::__NOW.is_possible();

    fn sweep<G, D>(
        &self,
        turn: &mut Turn<'_, '_, G::Root>,
        downstream: &mut D,
        items: impl Iterator<Item = In>,
        expected: usize,
        sample: Option<u64>,
    ) -> Swept
    where
        G: Provenance,
        D: Downstream<G, F::Out>,
    {
        // These stages do not ask for the context of their item, so all items of a sweep share one.
        let item = Item::new(self.run, turn.run_state.items_in, sample.is_some());
        let cx = StageContext::new(self.state, &item);
        let swept = match sample {
            Some(calls) => self.pass(OneOf(calls), &cx, turn, downstream, items, expected),
            None => self.pass(Unobserved, &cx, turn, downstream, items, expected),
        };
        match swept.end {
            SweepEnd::Panicked(payload) if CallSite::caused_panic() => {
                Swept { end: SweepEnd::Failed(panic_failure(self.run, payload)), ..swept }
            }
            end => Swept { end, ..swept },
        }
    }
}

impl<F, S> ChainSweeps<'_, F, S> {
    fn pass<In, W, G, D>(
        &self,
        watch: W,
        cx: &StageContext<'_, S>,
        turn: &mut Turn<'_, '_, G::Root>,
        downstream: &mut D,
        items: impl Iterator<Item = In>,
        expected: usize,
    ) -> Swept
    where
        W: Watch,
        S: Send + Sync,
        F: Stage<In, S>,
        G: Provenance,
        D: Downstream<G, F::Out>,
    {
        let results = items.map(|input| self.stages.__call_now(watch, input, cx));
        if const { matches!(F::__NOW, Now::NeverFails) } {
            // This iterator still knows its length, so a `Vec` is extended by it without a check for each output.
            let outputs = results.map(|result| match result {
                Ok(output) => output,
                Err(_) => unreachable!("these stages never fail"),
            });
            return downstream.sweep(turn, outputs, expected);
        }
        let mut failed = None;
        let outputs = results.map_while(|result| result.map_err(|error| failed = Some(error)).ok());
        let swept = downstream.sweep(turn, outputs, expected);
        match failed {
            Some(error) => Swept { end: SweepEnd::Failed(error), ..swept },
            None => swept,
        }
    }
}
