//! What a stage can know about the item it works on, and about the run around it.

use std::fmt;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

use super::cancellation::cancelled;
use super::extensions::Extensions;
use super::item::Item;
use super::item::ItemExtras;
use crate::report::run_id::RunId;

/// The item that a stage works on, seen from inside the stage.
///
/// A stage asks for it with a `#[context]` parameter:
///
/// ```
/// use pipeline::{pipeline, stage, Context};
///
/// #[stage(retries = 2, delay = "1ms")]
/// async fn flaky(x: u32, #[context] cx: &Context) -> Result<u32, String> {
///     match cx.attempt() {
///         3 => Ok(x),
///         n => Err(format!("attempt {n} of `{}` on item {}", cx.stage(), cx.index())),
///     }
/// }
///
/// assert_eq!(pipeline![flaky].run_blocking(7)?, 7);
/// # Ok::<(), pipeline::StageError>(())
/// ```
///
/// A test that calls the function itself gives it a `Context::default()`: the first attempt on the first item of a
/// run that nobody stops.
#[derive(Clone, Default)]
pub struct Context {
    run: RunId,
    cancel: Arc<[CancellationToken]>,
    index: usize,
    stage: &'static str,
    /// Counted from 0.
    attempt: u32,
    extra: Arc<ItemExtras>,
}

impl Context {
    /// The name of the stage: its function's, or the one that `name` gives it.
    #[must_use]
    pub fn stage(&self) -> &'static str {
        self.stage
    }

    /// Which attempt this is; the first is 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt + 1
    }

    /// The position of the item in the source of the run; 0 under [`run`](crate::Pipeline::run).
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// The run that this item is part of: the same for all its items.
    #[must_use]
    pub fn run_id(&self) -> RunId {
        self.run
    }

    /// Whether the run was asked to stop. Work that is under way may finish; long work may want to look here.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancel.iter().any(CancellationToken::is_cancelled)
    }

    /// Waits until the run is asked to stop; for ever, if nothing can ask it to.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: it holds nothing but its place among the waiters.
    pub async fn cancelled(&self) {
        cancelled(&self.cancel, 1).await;
    }

    /// A typed map that lives as long as the item, shared by all its stages and attempts.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.extra.extensions
    }
}

impl Context {
    pub(crate) fn of(item: &Item<'_>, stage: &'static str, attempt: u32) -> Self {
        let run = item.run();
        Self {
            run: run.id(),
            cancel: run.settings().cancel.clone(),
            index: item.index(),
            stage,
            attempt: attempt - 1,
            extra: Arc::clone(item.extra()),
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Context")
            .field("stage", &self.stage)
            .field("attempt", &self.attempt())
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}
