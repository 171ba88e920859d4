//! `rate`: at most `count` calls start in any window of `period`, wherever it begins.

use std::collections::VecDeque;
use std::fmt;
use std::num::NonZeroU32;
use std::pin::pin;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::select;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::sleep::sleep;
use crate::run::lock::lock;
use crate::stage::attribute::Rate;

/// The calls of a stage in a sliding window: the exact log of the last `count` starts.
///
/// A start is allowed when the start `count` places before it is at least `period` ago. Waiting calls take turns in the order
/// in which they came, as long as they are polled: one that is not there when its turn comes is passed over.
pub(crate) struct SlidingWindow {
    count: usize,
    period: Duration,
    state: Mutex<State>,
    /// Notified when a waiting call is dropped, so that those behind it move up.
    dropped: Notify,
}

#[derive(Default)]
struct State {
    /// The times of the last starts, at most `count`, the oldest first.
    starts: VecDeque<Instant>,
    /// The calls that wait, in the order in which they came.
    waiting: VecDeque<Waiting>,
    next_ticket: u64,
}

struct Waiting {
    ticket: u64,
    /// When its turn comes.
    due: Instant,
}

impl SlidingWindow {
    /// With `burst`, the window is the part of the period in which one burst is due: `burst` calls in
    /// `period / (count / burst)`, rounded so that the rate is never exceeded.
    pub(crate) fn new(rate: Rate, burst: Option<NonZeroU32>) -> Self {
        let burst = burst.map_or(rate.count, |burst| burst.min(rate.count));
        Self {
            count: burst.get() as usize,
            period: rate.period / (rate.count.get() / burst.get()),
            state: Mutex::default(),
            dropped: Notify::new(),
        }
    }

    /// Records a start, if one is allowed now and no call waits.
    pub(crate) fn try_start(&self) -> bool {
        let mut state = lock(&self.state);
        let now = Instant::now();
        let allowed = state.waiting.is_empty() && self.due(&state, 0, now) <= now;
        if allowed {
            self.record(&mut state);
        }
        allowed
    }

    /// Waits until a start is allowed, and records it in the poll that returns `Ready`.
    ///
    /// No lock is held during the wait: a call that waits and is not polled delays no other. Dropping the future gives up its
    /// turn.
    pub(crate) async fn start(&self) {
        let ticket = {
            let mut state = lock(&self.state);
            let ticket = state.next_ticket;
            state.next_ticket += 1;
            let due = self.due(&state, state.waiting.len(), Instant::now());
            state.waiting.push_back(Waiting { ticket, due });
            ticket
        };
        let turn = Turn { window: self, ticket };
        loop {
            let dropped = self.dropped.notified();
            match self.start_or_due(turn.ticket) {
                None => return,
                Some(due) => {
                    select(pin!(sleep(due)), pin!(dropped)).await;
                }
            }
        }
    }

    /// Records the start of a waiting call, or returns when its turn comes.
    fn start_or_due(&self, ticket: u64) -> Option<Instant> {
        let mut state = lock(&self.state);
        let now = Instant::now();
        let place = state.waiting.binary_search_by_key(&ticket, |waiting| waiting.ticket).ok()?;
        // Those whose turn is over and who are not here are passed over.
        let before = state.waiting.iter().take(place).filter(|waiting| waiting.due >= now).count();
        let due = self.due(&state, before, now);
        if due <= now {
            state.waiting.remove(place);
            self.record(&mut state);
            return None;
        }
        state.waiting[place].due = due;
        Some(due)
    }

    /// When a call can start that has this many calls before it: not after `now` if it can start now.
    fn due(&self, state: &State, before: usize, now: Instant) -> Instant {
        let free = self.count - state.starts.len();
        let Some(place) = before.checked_sub(free) else { return now };
        // The calls before it start as early as they can: one period after the starts in the log, and so on.
        let periods = u32::try_from(place / self.count).unwrap_or(u32::MAX).saturating_add(1);
        let wait = self.period.saturating_mul(periods);
        let logged = state.starts.get(place % self.count).copied().unwrap_or(now);
        logged.checked_add(wait).unwrap_or_else(|| logged + Duration::from_secs(u64::from(u32::MAX)))
    }

    fn record(&self, state: &mut State) {
        if state.starts.len() == self.count {
            state.starts.pop_front();
        }
        state.starts.push_back(Instant::now());
    }
}

impl fmt::Debug for SlidingWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SlidingWindow").finish_non_exhaustive()
    }
}

/// The turn of a waiting call, which is given up when the call is dropped.
struct Turn<'w> {
    window: &'w SlidingWindow,
    ticket: u64,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = lock(&self.window.state);
        if let Ok(place) = state.waiting.binary_search_by_key(&self.ticket, |waiting| waiting.ticket) {
            state.waiting.remove(place);
            drop(state);
            self.window.dropped.notify_waiters();
        }
    }
}
