//! The verbs: what is driven, and what is made of what comes out.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;

use super::books::Books;
use super::drive::{Drive, Sink};
use super::flow::Flow;
use super::outputs::{Shelf, Shelving};
use super::segment::{Deck, Ending};
use super::source::{Origins, Pull};
use crate::plan::Plan;
use crate::report::{Aborted, Failure, Report};
use crate::run::{Counts, Run};
use crate::settings::{ErrorMode, Settings};
use crate::{Stage, StageError};

/// What a verb runs.
pub(crate) struct Running<'a, In, F, S> {
    pub(crate) stages: &'a Arc<F>,
    pub(crate) state: &'a Arc<S>,
    pub(crate) settings: &'a Settings<In>,
    pub(crate) plan: &'a Plan,
}

impl<In, F, S> Clone for Running<'_, In, F, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<In, F, S> Copy for Running<'_, In, F, S> {}

/// How a verb wants its failures and its results.
struct Wants {
    mode: Option<ErrorMode>,
    in_place: bool,
    ending: Ending,
}

/// How a run ended.
struct Ended {
    report: Report,
    /// The first failure, where failures did not go on in place.
    first: Option<Failure>,
    /// The run came to its end by itself.
    complete: bool,
}

async fn drive<In, F, S, M>(
    running: Running<'_, In, F, S>,
    pull: impl Pull<In>,
    wants: Wants,
    sink: &mut (impl Sink<F::Out> + Send),
) -> Ended
where
    In: Send,
    S: Send + Sync,
    F: Flow<In, S, M>,
{
    let Running { stages, state, settings, plan } = running;
    let counts = Counts::new(plan);
    let run = Run::counted(&settings.shared, &counts, None);
    let driver = Arc::new(AtomicWaker::new());
    let deck = Deck { run: &run, state, plan, driver: Arc::clone(&driver), ending: wants.ending };
    let line = F::__open(stages, Origins::new(pull), deck);
    let books = Books::new(&run, &counts, settings, wants.mode, wants.in_place);
    let mut drive = Drive::new(line, books, plan, driver);
    poll_fn(|cx| drive.poll(cx, sink)).await;
    let report = drive.finish();
    let complete = drive.books.exhausted && !drive.books.halted;
    Ended { report, first: drive.books.first.take(), complete }
}

/// The stage that an item would have met first.
fn first_stage(plan: &Plan) -> &'static str {
    plan.first_stage().unwrap_or("source")
}

/// All outputs, or the first failure.
pub(crate) async fn collect<In, F, S, M>(
    running: Running<'_, In, F, S>,
    pull: impl Pull<In>,
) -> Result<Vec<F::Out>, Aborted>
where
    In: Send,
    S: Send + Sync,
    F: Flow<In, S, M>,
{
    let shared = &running.settings.shared;
    let ending = Ending { ordered: shared.ordered, unbounded: true };
    let wants = Wants { mode: Some(shared.mode), in_place: false, ending };
    let mut outputs = Gathered(Vec::new());
    let Ended { report, first, complete } = drive(running, pull, wants, &mut outputs).await;
    match first {
        Some(failure) => Err(Aborted { failure, report }),
        None if complete => Ok(outputs.0),
        None => {
            let index = report.items_in();
            let error = StageError::not_taken(first_stage(running.plan));
            Err(Aborted { failure: Failure { index, error }, report })
        }
    }
}

/// To the end, for the report.
pub(crate) async fn drain<In, F, S, M>(
    running: Running<'_, In, F, S>,
    pull: impl Pull<In>,
) -> Result<Report, Aborted>
where
    In: Send,
    S: Send + Sync,
    F: Flow<In, S, M>,
{
    let mode = running.settings.shared.mode;
    // Nobody sees in which order they come.
    let ending = Ending { ordered: false, unbounded: false };
    let wants = Wants { mode: Some(mode), in_place: false, ending };
    let Ended { report, first, .. } = drive(running, pull, wants, &mut Dropped).await;
    match first {
        Some(failure) if mode == ErrorMode::Strict => Err(Aborted { failure, report }),
        _ => Ok(report),
    }
}

/// Each input's own result.
pub(crate) async fn settle<In, F, S>(
    running: Running<'_, In, F, S>,
    mut pull: impl Pull<In>,
) -> Vec<Result<F::Out, StageError>>
where
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    let ending = Ending { ordered: false, unbounded: false };
    let wants = Wants { mode: None, in_place: true, ending };
    let mut results = Scattered { results: Vec::new() };
    let Ended { report, .. } = drive(running, &mut pull, wants, &mut results).await;
    let mut results = results.results;
    results.resize_with(report.items_in(), || None);
    let stage = first_stage(running.plan);
    let mut results: Vec<_> = results
        .into_iter()
        .map(|result| result.unwrap_or_else(|| Err(StageError::given_up(stage))))
        .collect();
    // What was not taken has its place, too, as far as the source has it at hand.
    let panicked = results.last().is_some_and(|last| last.as_ref().is_err_and(StageError::is_of_source));
    while !panicked && next(&mut pull).await {
        results.push(Err(StageError::not_taken(stage)));
    }
    results
}

/// Whether the source has one more at hand. Reading on for long gives way to others.
async fn next<In>(pull: &mut impl Pull<In>) -> bool {
    tokio::task::coop::consume_budget().await;
    poll_fn(|cx| match catch_unwind(AssertUnwindSafe(|| pull.poll_next(cx))) {
        Ok(Poll::Ready(item)) => Poll::Ready(item.is_some()),
        Ok(Poll::Pending) | Err(_) => Poll::Ready(false),
    })
    .await
}

/// One item, where there is more to it than its way: observers, dead letters, being asked to stop.
pub(crate) async fn one<In, F, S>(running: Running<'_, In, F, S>, input: In) -> Result<F::Out, StageError>
where
    In: Send,
    S: Send + Sync,
    F: Stage<In, S>,
{
    let results = settle(running, super::source::once(input)).await;
    match results.into_iter().next() {
        Some(result) => result,
        None => Err(StageError::not_taken(first_stage(running.plan))),
    }
}

/// All outputs, each when it is there, on a shelf.
pub(crate) async fn stream<In, F, S, M>(
    running: Running<'_, In, F, S>,
    pull: impl Pull<In>,
    shelf: Arc<Shelf<Result<F::Out, Failure>>>,
) -> Report
where
    In: Send,
    S: Send + Sync,
    F: Flow<In, S, M>,
{
    let shared = &running.settings.shared;
    let ending = Ending { ordered: shared.ordered, unbounded: false };
    let wants = Wants { mode: Some(shared.mode), in_place: true, ending };
    let mut shelving = Shelving::new(shelf, shared.mode == ErrorMode::Strict);
    drive(running, pull, wants, &mut shelving).await.report
}

struct Gathered<T>(Vec<T>);

impl<T> Sink<T> for Gathered<T> {
    #[inline]
    fn has_room(&mut self, _: &mut Context<'_>) -> bool {
        true
    }

    #[inline]
    fn put(&mut self, _: usize, result: Result<T, StageError>) -> bool {
        self.0.extend(result.ok());
        false
    }
}

struct Dropped;

impl<T> Sink<T> for Dropped {
    #[inline]
    fn has_room(&mut self, _: &mut Context<'_>) -> bool {
        true
    }

    #[inline]
    fn put(&mut self, _: usize, _: Result<T, StageError>) -> bool {
        false
    }
}

/// Results in the places of their inputs, in whatever order they come.
struct Scattered<T> {
    results: Vec<Option<Result<T, StageError>>>,
}

impl<T> Sink<T> for Scattered<T> {
    fn has_room(&mut self, _: &mut Context<'_>) -> bool {
        true
    }

    fn put(&mut self, index: usize, result: Result<T, StageError>) -> bool {
        if self.results.len() <= index {
            self.results.resize_with(index + 1, || None);
        }
        // Where a row failed before, the item has.
        self.results[index].get_or_insert(result);
        false
    }
}
