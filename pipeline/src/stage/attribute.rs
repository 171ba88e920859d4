//! `Policy`: the options of `#[stage(...)]` as values.

use std::num::NonZeroU32;
use std::time::Duration;

/// The policy of a stage: the options of its attribute, with the overrides.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools)] // Each is an option of its own.
pub struct Policy {
    /// The name of the stage in errors, reports and contexts.
    pub name: &'static str,
    /// The maximum number of attempts after the first.
    pub retries: u32,
    /// The wait before each retry.
    pub backoff: Backoff,
    /// The time limit of an attempt.
    pub timeout: Option<Duration>,
    /// The time limit of a call, with all its attempts and waits.
    pub deadline: Option<Duration>,
    /// The maximum number of concurrent calls.
    pub concurrency: Option<NonZeroU32>,
    /// The maximum number of calls per period.
    pub rate: Option<Rate>,
    /// The maximum number of calls that start at once under the rate.
    pub burst: Option<NonZeroU32>,
    /// Whether calls begin in the order of the items.
    pub in_order: bool,
    /// Whether `retry_if` decides which failures are retried.
    pub retry_if: bool,
    /// Whether the wait of `retry_after` holds back all calls of the stage.
    pub pause_all: bool,
    /// With `split_on_failure`: after this number of parts in a row without a success, the rest fails as it is.
    pub split_limit: Option<NonZeroU32>,
    /// Whether a call can be abandoned before it finishes: it is async, or runs on the blocking thread pool.
    pub interruptible: bool,
    /// Whether a call runs on the blocking thread pool.
    pub blocking: bool,
    /// Whether the function returns a `Result`.
    pub fallible: bool,
    /// Whether the function returns a future as a value.
    pub returns_future: bool,
}

impl Policy {
    /// The policy of `#[stage]` without options.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        Self {
            name,
            retries: 0,
            backoff: Backoff::DEFAULT,
            timeout: None,
            deadline: None,
            concurrency: None,
            rate: None,
            burst: None,
            in_order: false,
            retry_if: false,
            pause_all: false,
            split_limit: None,
            interruptible: true,
            blocking: false,
            fallible: true,
            returns_future: false,
        }
    }
}

/// Compile-time checks of an override against the policy of the stage.
impl Policy {
    /// Whether the deadline is longer than `timeout`.
    #[must_use]
    pub const fn deadline_allows(&self, timeout: Duration) -> bool {
        match self.deadline {
            Some(deadline) => deadline.as_nanos() > timeout.as_nanos(),
            None => true,
        }
    }

    /// Whether the timeout is shorter than `deadline`.
    #[must_use]
    pub const fn timeout_allows(&self, deadline: Duration) -> bool {
        match self.timeout {
            Some(timeout) => timeout.as_nanos() < deadline.as_nanos(),
            None => true,
        }
    }

    /// Whether the delay is at most `max_delay`.
    #[must_use]
    pub const fn delay_allows(&self, max_delay: Duration) -> bool {
        self.backoff.delay.as_nanos() <= max_delay.as_nanos()
    }

    /// Whether `delay` is at most the maximum delay. The default maximum is raised to the delay, so it allows any.
    #[must_use]
    pub const fn max_delay_allows(&self, delay: Duration) -> bool {
        let max = self.backoff.max_delay.as_nanos();
        max >= delay.as_nanos() || max == Backoff::DEFAULT.max_delay.as_nanos()
    }

    /// Whether a burst of this size is possible: it is at most the count of the rate.
    #[must_use]
    pub const fn burst_allowed(&self, burst: u32) -> bool {
        match self.rate {
            Some(rate) => burst <= rate.count.get(),
            None => false,
        }
    }

    /// Whether calls share a limit.
    pub(crate) const fn is_limited(&self) -> bool {
        self.concurrency.is_some() || self.rate.is_some() || self.in_order || self.pause_all
    }

    /// A policy that allows any override.
    pub const ANY: Self = {
        let mut policy = Self::new("");
        policy.retries = 1;
        policy.backoff.delay = Duration::from_nanos(1);
        policy.rate = Rate::new(u32::MAX, Duration::ZERO);
        policy
    };
}

/// At most `count` calls in any `period`.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// The number of calls that can start in any window of one period.
    pub count: NonZeroU32,
    /// The period.
    pub period: Duration,
}

impl Rate {
    /// Returns `None` if the count is zero, which the macros reject.
    #[must_use]
    pub const fn new(count: u32, period: Duration) -> Option<Self> {
        match NonZeroU32::new(count) {
            Some(count) => Some(Self { count, period }),
            None => None,
        }
    }
}

/// The backoff between the attempts of a stage with retries.
#[derive(Debug, Clone, Copy)]
pub struct Backoff {
    /// How the wait grows with each retry.
    pub growth: Growth,
    /// The wait before the first retry.
    pub delay: Duration,
    /// The maximum wait.
    pub max_delay: Duration,
    /// Whether each wait is drawn uniformly between 0 and its length.
    pub jitter: bool,
}

/// The wait before retry n, in terms of the delay.
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
    /// The backoff of a stage with retries but without backoff options.
    pub const DEFAULT: Self = Self {
        growth: Growth::Exponential,
        delay: Duration::from_millis(100),
        max_delay: Duration::from_secs(30),
        jitter: false,
    };

    /// The same backoff with another delay. Raises the maximum wait to the delay if the delay is longer.
    #[must_use]
    pub const fn with_delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        if self.max_delay.as_nanos() < delay.as_nanos() {
            self.max_delay = delay;
        }
        self
    }
}
