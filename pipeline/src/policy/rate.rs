//! The token bucket: governor's, on tokio's clock.

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use std::fmt;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::sleep::sleep;
use crate::stage::attribute::Rate;

/// Holds `count` tokens, starts full, and is refilled one by one over `period`.
pub(crate) struct Bucket {
    limiter: RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Duration>>,
    /// Whoever waits for the next token holds this; the others queue behind it, first come, first served.
    turn: Mutex<()>,
}

impl Bucket {
    pub(crate) fn new(rate: Rate) -> Self {
        // The macros let no zero period through, and no period that does not hold its calls a nanosecond apart.
        let each = (rate.period / rate.count.get()).max(Duration::from_nanos(1));
        let quota = Quota::with_period(each).map(|quota| quota.allow_burst(rate.count));
        let quota = quota.unwrap_or_else(|| Quota::per_second(rate.count));
        let clock = TokioClock { base: Instant::now() };
        Self { limiter: RateLimiter::direct_with_clock(quota, clock), turn: Mutex::new(()) }
    }

    /// Takes a token, waiting for it if there is none.
    ///
    /// Cancel safe: a token is taken only in the same poll in which this returns.
    pub(crate) async fn take(&self) {
        let _turn = self.turn.lock().await;
        while let Err(early) = self.limiter.check() {
            let clock = self.limiter.clock();
            sleep(clock.at(early.earliest_possible())).await;
        }
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bucket").finish_non_exhaustive()
    }
}

/// tokio's clock, so that a paused one holds for rates too. A moment is the time since `base`.
#[derive(Debug, Clone)]
struct TokioClock {
    base: Instant,
}

impl TokioClock {
    fn at(&self, moment: <Self as Clock>::Instant) -> Instant {
        self.base + Duration::from(moment.duration_since(Duration::ZERO))
    }
}

impl Clock for TokioClock {
    type Instant = Duration;

    fn now(&self) -> Duration {
        self.base.elapsed()
    }
}
