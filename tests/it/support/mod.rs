//! What the tests share: a service that follows a script, and a gauge of concurrent calls.

pub(crate) mod crate_source;
pub(crate) mod drop_counter;
pub(crate) mod imports;
pub(crate) mod random_runs;
pub(crate) mod recording_observer;
pub(crate) mod scripted_stages;
pub(crate) mod worker_counts;

use std::collections::VecDeque;
use std::future::Future;
use std::pin::pin;
use std::sync::Mutex;
use std::time::Duration;

use futures_util::FutureExt;
use tokio::time::Instant;

/// What the service does in one call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    /// It succeeds immediately.
    Answer,
    /// It fails immediately, with a code.
    Fail(u16),
    /// It succeeds after some time.
    Slow(Duration),
}

/// The error of the service.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused(pub(crate) u16);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "refused with {}", self.0)
    }
}

impl std::error::Error for Refused {}

/// Follows a script; succeeds when the script is used up.
#[derive(Debug)]
pub(crate) struct Service {
    script: Mutex<VecDeque<Act>>,
    calls: Mutex<Vec<Duration>>,
    started: Instant,
}

impl Service {
    pub(crate) fn new(script: impl IntoIterator<Item = Act>) -> Self {
        Self {
            script: Mutex::new(script.into_iter().collect()),
            calls: Mutex::default(),
            started: Instant::now(),
        }
    }

    pub(crate) async fn call(&self) -> Result<(), Refused> {
        self.calls.lock().unwrap().push(self.started.elapsed());
        let act = self.script.lock().unwrap().pop_front();
        match act.unwrap_or(Act::Answer) {
            Act::Answer => Ok(()),
            Act::Fail(code) => Err(Refused(code)),
            Act::Slow(duration) => {
                tokio::time::sleep(duration).await;
                Ok(())
            }
        }
    }

    /// The time of each call, in milliseconds since the service was created.
    pub(crate) fn calls(&self) -> Vec<u128> {
        self.calls.lock().unwrap().iter().map(Duration::as_millis).collect()
    }
}

/// Counts how many calls are running, and the maximum.
#[derive(Debug, Default)]
pub(crate) struct Gauge {
    now: Mutex<(usize, usize)>,
}

impl Gauge {
    pub(crate) fn enter(&self) -> Inside<'_> {
        let mut now = self.now.lock().unwrap();
        now.0 += 1;
        now.1 = now.1.max(now.0);
        Inside(self)
    }

    pub(crate) fn now(&self) -> usize {
        self.now.lock().unwrap().0
    }

    pub(crate) fn most(&self) -> usize {
        self.now.lock().unwrap().1
    }
}

/// Leaves the gauge when it is dropped.
pub(crate) struct Inside<'a>(&'a Gauge);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.now.lock().unwrap().0 -= 1;
    }
}

/// Polls until the future is ready, outside of any runtime. Nothing may wait in it; a slow poll may end with work undone.
pub(crate) fn without_runtime<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    loop {
        if let Some(output) = future.as_mut().now_or_never() {
            return output;
        }
    }
}

pub(crate) const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}
