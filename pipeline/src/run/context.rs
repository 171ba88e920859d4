//! `Context`: what a stage can ask about its item and its run.

use std::fmt;
use std::sync::Arc;

use tokio_util::sync::CancellationToken;

use super::cancellation::cancelled;
use super::extensions::Extensions;
use super::item::{Item, ItemExtras};

use crate::report::run_id::RunId;

/// The item that a stage is called on, and its run: stage name, attempt, index, cancellation, extensions.
///
/// A stage requests it with a `#[context]` parameter:
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
/// A unit test that calls the function directly can pass `&Context::default()`: the first attempt on item 0 of a run that is
/// never cancelled.
#[derive(Clone, Default)]
pub struct Context {
    run: RunId,
    cancel: Arc<[CancellationToken]>,
    index: usize,
    stage: &'static str,
    /// Counted from 0, so that the derived `Default` is the first attempt.
    attempt: u32,
    extra: Arc<ItemExtras>,
}

impl Context {
    /// The name of the stage: that of its function, or the value of the option `name`.
    #[must_use]
    pub fn stage(&self) -> &'static str {
        self.stage
    }

    /// The number of the attempt, starting at 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.attempt + 1
    }

    /// The position of the item in the source, starting at 0. Always 0 in [`run`](crate::Pipeline::run).
    ///
    /// After `each` it is the position of the source item; after `batch`, that of the first item of the batch.
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// The id of the run, which all its items share.
    #[must_use]
    pub fn run_id(&self) -> RunId {
        self.run
    }

    /// Whether the run was cancelled, by any of its tokens. A call in flight may still finish; a long one should check this.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancel.iter().any(CancellationToken::is_cancelled)
    }

    /// Waits until the run is cancelled. Never completes if the run has no cancellation token.
    ///
    /// # Cancel safety
    ///
    /// This method is cancel safe.
    pub async fn cancelled(&self) {
        cancelled(&self.cancel, 1).await;
    }

    /// A map of typed values that lives as long as the item. All its stages and attempts share it.
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
            extra: item.extra(),
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
