//! How long to wait before another attempt.
//!
//! Our own few lines rather than a crate's: the three kinds are fixed by the surface, `linear` and a draw that can be
//! repeated from a seed are in none of the well-kept crates, and the arithmetic has to be exact and to saturate.

use std::time::Duration;

/// The waits of a stage with retries.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// How the wait grows from retry to retry.
    pub growth: Growth,
    /// The wait that it grows from.
    pub delay: Duration,
    /// What one wait is cut to.
    pub max_delay: Duration,
    /// Whether to draw each wait from between nothing and its length.
    pub jitter: bool,
}

/// How the wait before retry n comes from the delay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Growth {
    /// delay
    Fixed,
    /// n · delay
    Linear,
    /// delay · 2^(n−1)
    Exponential,
}

impl Backoff {
    /// What a stage with retries does when its attribute says no more than that.
    pub const DEFAULT: Self = Self {
        growth: Growth::Exponential,
        delay: Duration::from_millis(100),
        max_delay: Duration::from_secs(30),
        jitter: false,
    };

    /// Another delay. The cap follows where the delay is longer than it: whoever asks for a minute means a minute.
    #[must_use]
    pub const fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        if self.max_delay.as_nanos() < delay.as_nanos() {
            self.max_delay = delay;
        }
        self
    }

    /// The wait before retry `n`, the first being 1, and before any jitter. Saturates at `max_delay`.
    pub(crate) fn before_retry(&self, n: u32) -> Duration {
        let factor = match self.growth {
            Growth::Fixed => 1,
            Growth::Linear => u128::from(n),
            Growth::Exponential => 1_u128.checked_shl(n.saturating_sub(1)).unwrap_or(u128::MAX),
        };
        let cap = self.max_delay.as_nanos();
        let nanos = self.delay.as_nanos().saturating_mul(factor).min(cap);
        // No more than `max_delay`, so it fits; the seconds and the rest come apart exactly.
        let seconds = u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX);
        let rest = u32::try_from(nanos % 1_000_000_000).unwrap_or_default();
        Duration::new(seconds, rest)
    }

    /// The wait before retry `n`, drawn uniformly from 0 to its length where there is jitter ("full jitter": Brooker,
    /// Exponential Backoff And Jitter, AWS Architecture Blog, 2015).
    pub(crate) fn draw(&self, n: u32, rng: impl FnOnce() -> fastrand::Rng) -> Duration {
        let wait = self.before_retry(n);
        if !self.jitter {
            return wait;
        }
        let nanos = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(rng().u64(0..=nanos))
    }
}
