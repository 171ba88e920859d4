//! Drives a line: the future behind each verb.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::task::AtomicWaker;

use super::books::Books;
use super::tag::Tag;
use super::upstream::{Account, Packet, Take, Turn, Upstream};
use crate::StageError;
use crate::cancel::Cancels;
use crate::plan::Plan;
use crate::report::Report;

/// Where the results of a line go.
pub(crate) trait Sink<T> {
    /// Whether there is room for one more.
    fn has_room(&mut self, cx: &mut Context<'_>) -> bool;

    /// Takes a result; and says whether that is all it wants.
    fn put(&mut self, index: usize, result: Result<T, StageError>) -> bool;

    /// Takes the failure of a row of an item that goes on.
    fn row(&mut self, index: usize, error: StageError) -> bool {
        self.put(index, Err(error))
    }

    /// The turn is over: what was put is to be seen.
    fn flush(&mut self) {}
}

/// A line, and what is written down of it.
pub(crate) struct Drive<'a, U: Upstream> {
    line: U,
    pub(crate) books: Books<'a, U::Root>,
    account: Account,
    plan: &'a Plan,
    cancels: Cancels,
    driver: Arc<AtomicWaker>,
    phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Running,
    /// What is left is being given up.
    Closing,
    /// What is left is being written down.
    Posting,
    Over,
}

impl<'a, U: Upstream> Drive<'a, U> {
    pub(crate) fn new(line: U, books: Books<'a, U::Root>, plan: &'a Plan, driver: Arc<AtomicWaker>) -> Self {
        let run = books.run;
        run.tell(|observer| observer.run_started(run.id()));
        let cancels = Cancels::new(&run.settings().cancel);
        Self { line, books, account: Account::default(), plan, cancels, driver, phase: Phase::Running }
    }

    /// Goes on, until all is done or given up.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, sink: &mut impl Sink<U::Item>) -> Poll<()> {
        self.driver.register(cx.waker());
        self.books.run.look();
        let cancelled = self.cancels.poll(cx);
        self.books.closed |= cancelled > 0;
        self.books.halted |= cancelled > 1;
        let posted = self.post(cx);
        if self.phase == Phase::Running && self.turn(cx, sink) {
            self.phase = Phase::Closing;
        }
        if self.phase == Phase::Closing && self.close(cx).is_ready() {
            self.phase = Phase::Posting;
        }
        sink.flush();
        // Failures of this turn may have written letters.
        let posted = self.phase == Phase::Posting && (cancelled > 1 || (posted && self.post(cx)));
        if posted || self.phase == Phase::Over { Poll::Ready(()) } else { Poll::Pending }
    }

    /// Whether all letters are with their sink.
    fn post(&mut self, cx: &mut Context<'_>) -> bool {
        self.books.post.as_mut().is_none_or(|post| post.poll(cx))
    }

    /// Does as much as there is to do, and says whether that was all.
    fn turn(&mut self, cx: &mut Context<'_>, sink: &mut impl Sink<U::Item>) -> bool {
        let Self { line, books, .. } = self;
        loop {
            let mut turn = Turn::new(cx.waker(), books);
            // The line catches what stages panic with. This is for sources and iterators, which say so when they are
            // next asked; it costs less than to catch them at each item.
            let done = catch_unwind(AssertUnwindSafe(|| {
                line.wake(&mut turn);
                let over = pass(line, &mut turn, cx, sink);
                if !over {
                    line.fill(&mut turn);
                }
                over
            }));
            let exhausted = turn.exhausted;
            match done {
                Ok(over) => {
                    // Whose source panicked while it was given up is not asked again.
                    if let Some(payload) = books.panic.take().filter(|_| !books.halted) {
                        resume_unwind(payload);
                    }
                    // A stop in the last moment is one as well.
                    if over || books.halted {
                        return true;
                    }
                    if exhausted {
                        cx.waker().wake_by_ref();
                    }
                    return false;
                }
                Err(payload) => match books.panic.replace(payload) {
                    None => {}
                    Some(unclaimed) => resume_unwind(unclaimed),
                },
            }
        }
    }

    fn close(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Self { line, books, account, .. } = self;
        let mut turn = Turn::new(cx.waker(), books);
        line.close(&mut turn, account)
    }

    /// The report, when all is over.
    pub(crate) fn finish(&mut self) -> Report {
        self.phase = Phase::Over;
        self.line.report(&mut self.account);
        let report = Report::new(&mut self.books, &self.account, self.plan);
        let run = self.books.run;
        run.tell(|observer| observer.run_finished(run.id(), &report));
        report
    }
}

/// Passes on what is there, and says whether that was all.
fn pass<U: Upstream>(
    line: &mut U,
    turn: &mut Turn<'_, '_, U::Root>,
    cx: &mut Context<'_>,
    sink: &mut impl Sink<U::Item>,
) -> bool {
    while !turn.books.halted {
        if !sink.has_room(cx) || !turn.step() {
            return false;
        }
        let taken = line.take(turn);
        if !turn.books.rows.is_empty() {
            rows(turn, sink);
        }
        match taken {
            Take::Item(Packet { tag, value }) => {
                let index = tag.origin().index;
                if value.is_ok() {
                    turn.books.came_out(index);
                }
                if sink.put(index, value) {
                    turn.books.halted = true;
                }
            }
            Take::Empty => return false,
            Take::End => return true,
        }
    }
    true
}

#[cold]
fn rows<R, T>(turn: &mut Turn<'_, '_, R>, sink: &mut impl Sink<T>) {
    while let Some(row) = turn.books.rows.pop_front() {
        if sink.row(row.index, row.error) {
            turn.books.halted = true;
        }
    }
}

impl<U: Upstream> Drop for Drive<'_, U> {
    /// A run that is dropped is over as well: observers are told.
    fn drop(&mut self) {
        if self.phase == Phase::Over || !self.books.run.is_observed() {
            return;
        }
        let waker = std::task::Waker::noop();
        self.books.abandoned = true;
        let _ = self.close(&mut Context::from_waker(waker));
        self.finish();
    }
}
