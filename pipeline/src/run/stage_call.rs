//! `StageCall`: a call of a stage, as passed to an observer.

use super::context::Context;
use super::item::Item;

use crate::report::run_id::RunId;

/// One call of a stage on one item, including all its attempts. Passed to an [`Observer`](crate::Observer).
#[derive(Debug, Clone, Copy)]
pub struct StageCall<'a> {
    stage: &'static str,
    item: &'a Item<'a>,
}

impl<'a> StageCall<'a> {
    pub(crate) fn new(stage: &'static str, item: &'a Item<'a>) -> Self {
        Self { stage, item }
    }

    /// The name of the stage.
    #[must_use]
    pub fn stage(&self) -> &'static str {
        self.stage
    }

    /// The position of the item in the source, starting at 0.
    #[must_use]
    pub fn index(&self) -> usize {
        self.item.index()
    }

    /// The id of the run.
    #[must_use]
    pub fn run_id(&self) -> RunId {
        self.item.run().id()
    }

    /// The context that the stage gets in its first attempt.
    #[must_use]
    pub fn context(&self) -> Context {
        Context::of(self.item, self.stage, 1)
    }
}
