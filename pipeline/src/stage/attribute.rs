//! What `#[stage(...)]` promises about a call, kept: one file a policy.
//!
//! From the outside in, the order is: deadline → retry loop → [wait] → rate → concurrency permit → timeout → the call.

use std::num::NonZeroU32;
use std::time::Duration;

/// The policy of a stage, as its attribute and its overrides spell it.
#[derive(Debug, Clone, Copy)]
pub struct Policy {
    /// The name in errors, reports and contexts.
    pub name: &'static str,
    /// Attempts after the first.
    pub retries: u32,
    /// The waits between attempts.
    pub backoff: Backoff,
    /// The time that one attempt may take.
    pub timeout: Option<Duration>,
    /// The time that all attempts and waits may take.
    pub deadline: Option<Duration>,
    /// The calls that may be under way at once.
    pub concurrency: Option<NonZeroU32>,
    /// The calls that may start in a period.
    pub rate: Option<Rate>,
    /// Whether a call can be left behind before it is done: it is async, or blocking on a thread of its own.
    pub interruptible: bool,
}

impl Policy {
    /// The policy of a bare `#[stage]`.
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
            interruptible: true,
        }
    }
}

/// What an override has to agree with, asked at compile time.
impl Policy {
    /// Whether the deadline leaves room for attempts of this length.
    #[must_use]
    pub const fn deadline_allows(&self, timeout: Duration) -> bool {
        match self.deadline {
            Some(deadline) => deadline.as_nanos() > timeout.as_nanos(),
            None => true,
        }
    }

    /// Whether attempts are shorter than this deadline.
    #[must_use]
    pub const fn timeout_allows(&self, deadline: Duration) -> bool {
        match self.timeout {
            Some(timeout) => timeout.as_nanos() < deadline.as_nanos(),
            None => true,
        }
    }

    /// Whether waits may be cut to this length.
    #[must_use]
    pub const fn delay_allows(&self, max_delay: Duration) -> bool {
        self.backoff.delay.as_nanos() <= max_delay.as_nanos()
    }

    /// Whether waits may begin at this length. (The default cap gives way.)
    #[must_use]
    pub const fn max_delay_allows(&self, delay: Duration) -> bool {
        let max = self.backoff.max_delay.as_nanos();
        max >= delay.as_nanos() || max == Backoff::DEFAULT.max_delay.as_nanos()
    }

    /// A policy that any override agrees with.
    pub const ANY: Self = {
        let mut policy = Self::new("");
        policy.retries = 1;
        policy.backoff.delay = Duration::ZERO;
        policy
    };
}

/// At most `count` calls in any `period`.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// The calls; also how many may start at once when nothing was called for a while.
    pub count: NonZeroU32,
    /// The time in which that many calls become due again.
    pub period: Duration,
}

impl Rate {
    /// `None` where the count is zero, which the macros let nobody write.
    #[must_use]
    pub const fn new(count: u32, period: Duration) -> Option<Self> {
        match NonZeroU32::new(count) {
            Some(count) => Some(Self { count, period }),
            None => None,
        }
    }
}

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
}
