//! What a stage can know about the item it works on, and about the run around it.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::Extensions;
use crate::footing::Fall;
use crate::run::{Run, RunId};

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
#[derive(Default)]
pub struct Context {
    run: Membership,
    index: usize,
    place: Mutex<Place>,
    extensions: Extensions,
    /// Where a panic came from.
    fell: OnceLock<Fall>,
}

/// The stage and the attempt that the item is in. Kept up to date for the stages that ask, and for no others.
#[derive(Debug, Clone, Copy)]
struct Place {
    stage: &'static str,
    attempt: u32,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            stage: "",
            attempt: 1,
        }
    }
}

/// The run that an item is part of.
enum Membership {
    /// It is all there is to it.
    Alone(Run),
    /// It is one of many.
    Of(Arc<Run>),
}

impl Default for Membership {
    fn default() -> Self {
        Self::Alone(Run::default())
    }
}

impl Deref for Membership {
    type Target = Run;

    fn deref(&self) -> &Run {
        match self {
            Self::Alone(run) => run,
            Self::Of(run) => run,
        }
    }
}

impl Context {
    /// The name of the stage: its function's, or the one that `name` gives it.
    #[must_use]
    pub fn stage(&self) -> &'static str {
        self.place().stage
    }

    /// Which attempt this is; the first is 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.place().attempt
    }

    /// The position of the item in the source of the run; 0 under [`run`](crate::Pipeline::run).
    #[must_use]
    pub fn index(&self) -> usize {
        self.index
    }

    /// The run that this item is part of: the same for all its items.
    #[must_use]
    pub fn run_id(&self) -> RunId {
        self.run.id()
    }

    /// Whether the run was asked to stop. Work that is under way may finish; long work may want to look here.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.run
            .cancel
            .as_ref()
            .is_some_and(CancellationToken::is_cancelled)
    }

    /// Waits until the run is asked to stop; for ever, if nothing can ask it to.
    ///
    /// # Cancel safety
    ///
    /// Cancel safe: it holds nothing but its place among the waiters.
    pub async fn cancelled(&self) {
        match &self.run.cancel {
            Some(token) => token.cancelled().await,
            None => std::future::pending().await,
        }
    }

    /// A typed map that lives as long as the item, shared by all its stages and attempts.
    #[must_use]
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }

    pub(crate) fn alone(run: Run) -> Self {
        Self {
            run: Membership::Alone(run),
            ..Self::default()
        }
    }

    pub(crate) fn of(run: Arc<Run>, index: usize) -> Self {
        Self {
            run: Membership::Of(run),
            index,
            ..Self::default()
        }
    }

    pub(crate) fn run(&self) -> &Run {
        &self.run
    }

    /// The first stage to say so is the one that it was.
    pub(crate) fn fell_in(&self, fall: Fall) {
        self.fell.get_or_init(|| fall);
    }

    pub(crate) fn fall(&self) -> Option<Fall> {
        self.fell.get().copied()
    }

    fn place(&self) -> Place {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enter(&self, place: Place) {
        *self.place.lock().unwrap_or_else(PoisonError::into_inner) = place;
    }

    /// The same item, for another thread.
    fn share(&self, place: Place) -> Self {
        let run = match &self.run {
            Membership::Alone(run) => Membership::Alone(run.share()),
            Membership::Of(run) => Membership::Of(Arc::clone(run)),
        };
        Self {
            run,
            index: self.index,
            place: Mutex::new(place),
            extensions: self.extensions.share(),
            fell: OnceLock::new(),
        }
    }
}

impl fmt::Debug for Context {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { stage, attempt } = self.place();
        f.debug_struct("Context")
            .field("stage", &stage)
            .field("attempt", &attempt)
            .field("index", &self.index)
            .finish_non_exhaustive()
    }
}

/// What a [`Stage`](crate::Stage) is called under: the [`Context`] of its item, and the state of its pipeline.
///
/// It derefs to the context.
pub struct Scope<'a, S = ()> {
    state: &'a Arc<S>,
    context: &'a Context,
    place: Place,
}

impl<S> Clone for Scope<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Scope<'_, S> {}

impl<S> Deref for Scope<'_, S> {
    type Target = Context;

    fn deref(&self) -> &Context {
        self.context
    }
}

impl<S> fmt::Debug for Scope<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scope")
            .field("context", self.context)
            .finish_non_exhaustive()
    }
}

impl<'a, S> Scope<'a, S> {
    /// The state that the pipeline is bound to. (A stage function asks for parts of it with `#[state]` instead.)
    #[must_use]
    pub fn state(&self) -> &'a S {
        self.state
    }

    pub(crate) fn new(state: &'a Arc<S>, context: &'a Context) -> Self {
        Self {
            state,
            context,
            place: Place::default(),
        }
    }

    /// The scope of one attempt of a stage.
    pub(crate) fn enter(&self, stage: &'static str, attempt: u32) -> Self {
        Self {
            place: Place { stage, attempt },
            ..*self
        }
    }

    /// The same item under another state.
    pub(crate) fn with_state<'b, T>(&'b self, state: &'b Arc<T>) -> Scope<'b, T> {
        Scope {
            state,
            context: self.context,
            place: self.place,
        }
    }

    pub(crate) fn item(&self) -> &'a Context {
        self.context
    }

    /// What a `#[context]` parameter is given.
    #[doc(hidden)]
    #[must_use]
    pub fn __context(&self) -> &'a Context {
        self.context.enter(self.place);
        self.context
    }

    /// A copy that can move to another thread, for a blocking stage.
    #[doc(hidden)]
    #[must_use]
    pub fn __detach(&self) -> Detached<S> {
        Detached {
            state: Arc::clone(self.state),
            context: self.context.share(self.place),
            place: self.place,
        }
    }
}

/// An owned [`Scope`].
#[doc(hidden)]
pub struct Detached<S> {
    state: Arc<S>,
    context: Context,
    place: Place,
}

impl<S> Detached<S> {
    /// Lends the scope again, on the thread that it was moved to.
    #[must_use]
    pub fn scope(&self) -> Scope<'_, S> {
        Scope {
            state: &self.state,
            context: &self.context,
            place: self.place,
        }
    }
}
