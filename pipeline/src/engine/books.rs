//! What is written down of a run: failures, above all.

use std::any::Any;
use std::collections::VecDeque;

use super::one::Mishap;
use super::tag::{Origin, Original, Tag};
use super::upstream::{Account, Packet};
use crate::StageError;
use crate::dead_letters::{DeadLetter, Post};
use crate::observer::Outcome;
use crate::report::Failure;
use crate::run::{Counts, Run};
use crate::settings::{ErrorMode, Settings};

/// The books of one run. They belong to whoever drives it.
#[allow(clippy::struct_excessive_bools)] // Each is a fact by itself.
pub struct Books<'a, R> {
    pub(crate) run: &'a Run<'a>,
    pub(crate) counts: &'a Counts,
    observed: bool,
    /// What a failure means to the run; nothing, where each is handed over as a result.
    mode: Option<ErrorMode>,
    /// Whether failures go on in the places of their items.
    in_place: bool,
    /// Items taken from the source.
    pub(crate) taken: usize,
    pub(crate) given: usize,
    pub(crate) failed: usize,
    pub(crate) isolated: usize,
    pub(crate) failures: Vec<Failure>,
    /// The first failure, where failures do not go on in place.
    pub(crate) first: Option<Failure>,
    /// Failures of single rows, whose batch goes on.
    pub(crate) rows: VecDeque<Failure>,
    /// The source has given all it has.
    pub(crate) exhausted: bool,
    /// Nothing more is taken from the source.
    pub(crate) closed: bool,
    /// All is to be given up.
    pub(crate) halted: bool,
    /// The run is dropped: nobody waits for what is elsewhere.
    pub(crate) abandoned: bool,
    /// What a source or an iterator panicked with, until it is asked again.
    pub(crate) panic: Option<Box<dyn Any + Send>>,
    pub(crate) post: Option<Post<'a, R>>,
    copy: Option<fn(&R) -> R>,
}

impl<'a, R> Books<'a, R> {
    pub(crate) fn new(
        run: &'a Run<'a>,
        counts: &'a Counts,
        settings: &'a Settings<R>,
        mode: Option<ErrorMode>,
        in_place: bool,
    ) -> Self {
        let letters = settings.letters.as_ref();
        Self {
            run,
            counts,
            observed: run.is_observed(),
            mode,
            in_place,
            taken: 0,
            given: 0,
            failed: 0,
            isolated: 0,
            failures: Vec::new(),
            first: None,
            rows: VecDeque::new(),
            exhausted: false,
            closed: false,
            halted: false,
            abandoned: false,
            panic: None,
            post: letters.map(|letters| Post::new(&*letters.sink)),
            copy: letters.map(|letters| letters.copy),
        }
    }

    /// Enters an item that comes from the source.
    #[inline]
    pub(crate) fn enter(&mut self, item: &R) -> Origin<R> {
        let index = self.taken;
        self.taken += 1;
        let original = self.copy.map(|copy| Original::new(copy(item)).into());
        Origin { index, original }
    }

    /// Whether the source is to be left alone for a while: there are letters to be posted first.
    pub(crate) fn is_backed_up(&self) -> bool {
        self.post.as_ref().is_some_and(|post| post.waiting() >= self.run.settings().concurrency)
    }

    /// What becomes of an item that did not simply come out.
    #[cold]
    #[inline(never)]
    pub(crate) fn mishap<G, T>(&mut self, tag: G, mishap: Mishap<T>) -> Option<Packet<G, T>>
    where
        G: Tag<Root = R>,
    {
        let value = match mishap {
            Mishap::Failed(error) => Err(error),
            Mishap::Partly(partly) => {
                let (value, rows) = *partly;
                for row in rows {
                    self.isolate(&tag, row);
                }
                value
            }
        };
        let value = match value {
            Ok(value) => Ok(value),
            Err(error) => Err(self.fail(&tag, error)?),
        };
        Some(Packet { tag, value })
    }

    /// Notes a failure, and says what goes on in the place of the item.
    #[cold]
    pub(crate) fn fail<G: Tag<Root = R>>(&mut self, tag: &G, error: StageError) -> Option<StageError> {
        let failure = self.note(tag, error);
        if self.in_place {
            return Some(failure.error);
        }
        self.first.get_or_insert(failure);
        None
    }

    /// Notes the failure of a row whose batch goes on.
    fn isolate<G: Tag<Root = R>>(&mut self, tag: &G, error: StageError) {
        if let Some(meter) = self.run.meter(error.slot()) {
            meter.isolated.add(1);
        }
        self.isolated += 1;
        let failure = self.note(tag, error);
        if self.in_place {
            self.rows.push_back(failure);
        } else {
            self.first.get_or_insert(failure);
        }
    }

    fn note<G: Tag<Root = R>>(&mut self, tag: &G, error: StageError) -> Failure {
        let row = error.row_of().map(|row| std::slice::from_ref(tag.row(row.index, row.of)));
        let index = row.and_then(|row| row.first()).unwrap_or_else(|| tag.origin()).index;
        if let Some(meter) = self.run.meter(error.slot()) {
            meter.failed.add(1);
        }
        self.failed += 1;
        self.run.tell(|observer| observer.item_finished(self.run.id(), index, &Outcome::Failed(&error)));
        if let Some(post) = &mut self.post {
            // A batch that fails takes all its members with it.
            for Origin { index, original } in row.unwrap_or_else(|| tag.origins()) {
                if let Some(item) = original.as_ref().and_then(|original| original.take()) {
                    post.add(DeadLetter { item, index: *index, error: error.clone() });
                }
            }
        }
        match self.mode {
            Some(ErrorMode::Strict) => {
                self.closed = true;
                self.halted = !self.in_place;
            }
            Some(ErrorMode::Lenient) => {
                tracing::warn!(index, stage = error.stage(), "an item failed: {error}");
            }
            Some(ErrorMode::Collect) => self.failures.push(Failure { index, error: error.clone() }),
            None => {}
        }
        Failure { index, error }
    }

    /// Notes an item that is given up on its way.
    pub(crate) fn give_up(&mut self, index: usize, account: &mut Account) {
        account.cancelled += 1;
        self.run.tell(|observer| observer.item_finished(self.run.id(), index, &Outcome::Cancelled));
    }

    /// Notes an item that came out at the end.
    #[inline]
    pub(crate) fn came_out(&mut self, index: usize) {
        self.given += 1;
        if self.observed {
            self.run.tell(|observer| observer.item_finished(self.run.id(), index, &Outcome::Done));
        }
    }
}
