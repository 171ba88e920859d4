//! What the tests share: a service that does as its script says, and keeps count.

pub(crate) mod drop_counter;
pub(crate) mod random_runs;
pub(crate) mod recording_observer;
pub(crate) mod scripted_stages;
pub(crate) mod worker_counts;

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

/// What the service does at one call.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Act {
    /// It answers at once.
    Answer,
    /// It fails at once, with a code.
    Fail(u16),
    /// It answers after a while.
    Slow(Duration),
}

/// What the service fails with.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused(pub(crate) u16);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "refused with {}", self.0)
    }
}

impl std::error::Error for Refused {}

/// Follows a script, and answers when it is through.
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

    /// When each call came, in milliseconds since the service was made.
    pub(crate) fn calls(&self) -> Vec<u128> {
        self.calls.lock().unwrap().iter().map(Duration::as_millis).collect()
    }
}

/// How many are inside at once.
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

/// Leaves when it is dropped, however that comes.
pub(crate) struct Inside<'a>(&'a Gauge);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.now.lock().unwrap().0 -= 1;
    }
}

pub(crate) const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}
