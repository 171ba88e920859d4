//! Time limits that cost nothing until somebody has to wait.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::runtime::Handle;
use tokio::task::coop;
use tokio::time::{Instant, Sleep, sleep_until};

/// The watch of one call of a stage: started when the call first has to wait, or first fails.
///
/// Reading a clock costs more than most calls that are ready at once, so a call that never waits never reads one, and
/// its timers are never armed.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    deadline: Option<Duration>,
    started: Option<Instant>,
}

/// Which limit was passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Late {
    /// The timeout of the attempt.
    Attempt,
    /// The deadline of the call.
    Call,
}

impl Clock {
    pub(crate) fn new(deadline: Option<Duration>) -> Self {
        Self { deadline, started: None }
    }

    /// Starts the watch if it is not running, and says how long it has been.
    pub(crate) fn elapsed(&mut self) -> Duration {
        if let Some(started) = self.started {
            started.elapsed()
        } else {
            self.started = Some(Instant::now());
            Duration::ZERO
        }
    }

    /// Runs a future until it is done, `timeout` has passed since it first had to wait, or the deadline has.
    pub(crate) async fn limit<F: Future>(
        &mut self,
        timeout: Option<Duration>,
        future: F,
    ) -> Result<F::Output, Late> {
        self.watch(timeout, pin!(future), false).await
    }

    /// The same for a future that was polled, and has to wait.
    pub(crate) async fn go_on<F: Future>(
        &mut self,
        timeout: Option<Duration>,
        future: Pin<&mut F>,
    ) -> Result<F::Output, Late> {
        self.watch(timeout, future, true).await
    }

    async fn watch<F: Future>(
        &mut self,
        timeout: Option<Duration>,
        mut future: Pin<&mut F>,
        mut waits: bool,
    ) -> Result<F::Output, Late> {
        let mut alarm = pin!(None::<Sleep>);
        let mut late = None;
        poll_fn(|cx| {
            if !std::mem::take(&mut waits) {
                if let Poll::Ready(output) = future.as_mut().poll(cx) {
                    return Poll::Ready(Ok(output));
                }
            }
            let late = *late.get_or_insert_with(|| {
                let (at, late) = self.next_limit(timeout);
                if let Some(at) = at {
                    alarm.set(Some(sleep(at)));
                }
                late
            });
            match alarm.as_mut().as_pin_mut() {
                Some(alarm) => {
                    ready!(poll_on_time(alarm, cx));
                    Poll::Ready(Err(late))
                }
                None => Poll::Pending,
            }
        })
        .await
    }

    /// The limit that comes first, counted from now for the timeout and from the start for the deadline.
    #[cold]
    fn next_limit(&mut self, timeout: Option<Duration>) -> (Option<Instant>, Late) {
        let now = Instant::now();
        let started = *self.started.get_or_insert(now);
        // Out of the clock's range is for ever.
        let timeout = timeout.and_then(|timeout| now.checked_add(timeout));
        let deadline = self.deadline.and_then(|deadline| started.checked_add(deadline));
        match (timeout, deadline) {
            (Some(timeout), Some(deadline)) if timeout < deadline => (Some(timeout), Late::Attempt),
            (timeout, None) => (timeout, Late::Attempt),
            (_, deadline) => (deadline, Late::Call),
        }
    }
}

/// A timer, with a clear word where there is no runtime to keep it.
pub(crate) fn sleep(at: Instant) -> Sleep {
    assert!(
        Handle::try_current().is_ok(),
        "this stage has to wait (a timeout, a deadline, a retry or a rate), and there is no tokio runtime to keep \
         the time: run the pipeline under `#[tokio::main]`, or call `run_blocking`"
    );
    sleep_until(at)
}

/// Polls the alarm even when the future has used up tokio's budget for this turn, or a busy future would never time
/// out.
fn poll_on_time(alarm: Pin<&mut Sleep>, cx: &mut Context<'_>) -> Poll<()> {
    if coop::has_budget_remaining() { alarm.poll(cx) } else { pin!(coop::unconstrained(alarm)).poll(cx) }
}
