//! `backoff`: the wait before a retry.
//!
//! This is not delegated to a crate: no well-maintained crate has linear growth and jitter that is reproducible from a
//! seed, and the arithmetic must be exact and saturate.

use std::time::Duration;

use crate::stage::attribute::{Backoff, Growth};

impl Backoff {
    /// The wait before retry `n`, counted from 1, without jitter. Saturates at `max_delay`.
    pub(crate) fn before_retry(&self, n: u32) -> Duration {
        let factor = match self.growth {
            Growth::Fixed => 1,
            Growth::Linear => u128::from(n),
            Growth::Exponential => 1_u128.checked_shl(n.saturating_sub(1)).unwrap_or(u128::MAX),
        };
        let cap = self.max_delay.as_nanos();
        let nanos = self.delay.as_nanos().saturating_mul(factor).min(cap);
        // At most `max_delay`, so the conversions cannot overflow.
        let seconds = u64::try_from(nanos / 1_000_000_000).unwrap_or(u64::MAX);
        let subsec_nanos = u32::try_from(nanos % 1_000_000_000).unwrap_or_default();
        Duration::new(seconds, subsec_nanos)
    }

    /// The wait before retry `n`. With jitter, it is drawn uniformly between 0 and the wait without jitter ("full jitter":
    /// Brooker, Exponential Backoff And Jitter, AWS Architecture Blog, 2015).
    pub(crate) fn draw(&self, n: u32, rng: impl FnOnce() -> fastrand::Rng) -> Duration {
        let wait = self.before_retry(n);
        if !self.jitter {
            return wait;
        }
        let nanos = u64::try_from(wait.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos(rng().u64(0..=nanos))
    }

    /// The wait before retry `n`, if the server asked for `wait`: that wait, shorter or longer than the backoff. With jitter, the
    /// wait of [`draw`](Self::draw) is added, so that calls that were all told the same do not start in the same instant.
    pub(crate) fn draw_after(&self, wait: Duration, n: u32, rng: impl FnOnce() -> fastrand::Rng) -> Duration {
        if self.jitter { wait.saturating_add(self.draw(n, rng)) } else { wait }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn backoff(growth: Growth, delay: Duration, max_delay: Duration) -> Backoff {
        Backoff { growth, delay, max_delay, jitter: false }
    }

    fn any_growth() -> impl Strategy<Value = Growth> {
        prop_oneof![Just(Growth::Fixed), Just(Growth::Linear), Just(Growth::Exponential)]
    }

    fn any_duration() -> impl Strategy<Value = Duration> {
        (any::<u64>(), 0_u32..1_000_000_000).prop_map(|(secs, nanos)| Duration::new(secs, nanos))
    }

    /// Durations up to about an hour, which do not saturate within 20 retries.
    fn short_duration() -> impl Strategy<Value = Duration> {
        (0_u64..4_000_000_000_000).prop_map(Duration::from_nanos)
    }

    #[test]
    fn growth_is_fixed_linear_or_exponential() {
        let waits = |growth| {
            let backoff = backoff(growth, Duration::from_millis(100), Duration::from_secs(30));
            (1..=5).map(|n| backoff.before_retry(n).as_millis()).collect::<Vec<_>>()
        };
        assert_eq!(waits(Growth::Fixed), [100, 100, 100, 100, 100]);
        assert_eq!(waits(Growth::Linear), [100, 200, 300, 400, 500]);
        assert_eq!(waits(Growth::Exponential), [100, 200, 400, 800, 1600]);
    }

    #[test]
    fn a_delay_beyond_the_default_cap_raises_it() {
        let raised = Backoff::DEFAULT.with_delay(Duration::from_mins(1));
        assert_eq!(raised.before_retry(1), Duration::from_mins(1));
        assert_eq!(Backoff::DEFAULT.with_delay(Duration::from_secs(1)).max_delay, Duration::from_secs(30));
    }

    proptest! {
        #[test]
        fn a_wait_is_never_shorter_than_the_one_before_nor_longer_than_the_cap(
            growth in any_growth(), delay in any_duration(), max in any_duration(), n in 1_u32..u32::MAX,
        ) {
            let backoff = backoff(growth, delay, max);
            let (wait, next) = (backoff.before_retry(n), backoff.before_retry(n + 1));
            prop_assert!(wait <= next);
            prop_assert!(next <= max);
        }

        #[test]
        fn below_the_cap_a_wait_is_exact(delay in short_duration(), n in 1_u32..20) {
            let wait = |growth| backoff(growth, delay, Duration::MAX).before_retry(n);
            prop_assert_eq!(wait(Growth::Fixed), delay);
            prop_assert_eq!(wait(Growth::Linear), delay * n);
            prop_assert_eq!(wait(Growth::Exponential), delay * 2_u32.pow(n - 1));
        }

        #[test]
        fn a_wait_never_panics_nor_wraps_around(
            growth in any_growth(), delay in any_duration(), max in any_duration(), n in any::<u32>(),
        ) {
            prop_assert!(backoff(growth, delay, max).before_retry(n) <= max);
        }

        #[test]
        fn jitter_is_at_most_the_wait_and_reproducible(seed in any::<u64>(), n in 1_u32..40) {
            let jittery = Backoff { jitter: true, ..Backoff::DEFAULT };
            let draw = || jittery.draw(n, || fastrand::Rng::with_seed(seed));
            prop_assert!(draw() <= jittery.before_retry(n));
            prop_assert_eq!(draw(), draw());
        }
    }

    #[test]
    fn jitter_is_uniform() {
        let jittery = Backoff { jitter: true, ..Backoff::DEFAULT };
        let mut rng = fastrand::Rng::with_seed(7);
        let mut quarters = [0; 4];
        for _ in 0..10_000 {
            let drawn = jittery.draw(1, || rng.fork());
            quarters[(drawn.as_micros() / 25_000).min(3) as usize] += 1;
        }
        // The expected count per quarter is 2,500, with a tolerance of four standard deviations.
        assert!(quarters.iter().all(|hits| (2_325..=2_675).contains(hits)), "{quarters:?}");
    }
}
