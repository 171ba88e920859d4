//! `rate`: governor's token bucket, on tokio's clock.

use std::fmt;
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::sleep::sleep;
use crate::stage::attribute::Rate;

/// A bucket of `count` tokens. It starts full, and `period / count` adds one token.
pub(crate) struct TokenBucket {
    limiter: RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>,
    /// Held by the call that waits for the next token. The other calls queue for it in FIFO order.
    queue: Mutex<()>,
}

impl TokenBucket {
    pub(crate) fn new(rate: Rate) -> Self {
        // The macros reject a period of zero, and one of less than a nanosecond per call.
        let interval = (rate.period / rate.count.get()).max(Duration::from_nanos(1));
        let quota = Quota::with_period(interval).map(|quota| quota.allow_burst(rate.count));
        let quota = quota.unwrap_or_else(|| Quota::per_second(rate.count));
        let clock = TokioClock { base: Instant::now() };
        Self { limiter: RateLimiter::direct_with_clock(quota, clock), queue: Mutex::new(()) }
    }

    /// Takes a token; waits if there is none.
    ///
    /// Cancel safe: a token is only taken in the poll that returns `Ready`.
    pub(crate) async fn take(&self) {
        let _queue = self.queue.lock().await;
        while let Err(not_until) = self.limiter.check() {
            let clock = self.limiter.clock();
            sleep(clock.at(not_until.earliest_possible())).await;
        }
    }
}

impl fmt::Debug for TokenBucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenBucket").finish_non_exhaustive()
    }
}

/// tokio's clock, so that rates follow the paused clock of tests. Its instants are durations since `base`.
#[derive(Debug, Clone)]
struct TokioClock {
    base: Instant,
}

impl TokioClock {
    fn at(&self, instant: <Self as Clock>::Instant) -> Instant {
        self.base + Duration::from(instant.duration_since(Duration::ZERO))
    }
}

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.base.elapsed()
    }
}
