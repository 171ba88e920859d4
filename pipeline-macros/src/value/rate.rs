//! Rates: "100/s", "300/min", "5/100ms".

use std::num::NonZeroU32;
use std::time::Duration;

use super::duration::nonzero_duration;

/// A number of calls per period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    pub(crate) count: NonZeroU32,
    pub(crate) period: Duration,
}

impl Rate {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let example = "write a count and a period, such as `\"100/s\"`, `\"300/min\"` or `\"5/100ms\"`";
        let Some((count, period)) = text.split_once('/') else {
            return Err(match text.trim().parse::<f64>() {
                Ok(_) => format!(
                    "`{text}` has no unit: {0} in what time? Write `\"{0}/s\"` or `\"{0}/min\"`",
                    text.trim()
                ),
                Err(_) => format!("`{text}` is not a rate: {example}"),
            });
        };
        let (count, period) = (count.trim(), period.trim());
        if count.is_empty() {
            return Err(format!("`{text}` has no number before the `/`: {example}"));
        }
        let count = match count.parse::<u32>().map(NonZeroU32::new) {
            Ok(Some(count)) => count,
            Ok(None) => {
                return Err(format!("`{text}` allows no calls: the count must be at least 1"));
            }
            Err(_) => return Err(format!("`{count}` is not a whole number of calls: {example}")),
        };
        // A bare unit means one of it: `s` is `1s`.
        let period_with_count = if period.starts_with(|first: char| first.is_ascii_alphabetic()) {
            format!("1{period}")
        } else {
            period.to_owned()
        };
        let period = nonzero_duration(&period_with_count)
            .map_err(|_| format!("`{period}` is not a period: {example}"))?;
        if period.as_nanos() < u128::from(count.get()) {
            return Err(format!("`{text}` is more than one call per nanosecond: remove `rate`"));
        }
        Ok(Self { count, period })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rate(text: &str) -> Option<(u32, Duration)> {
        Rate::parse(text).ok().map(|rate| (rate.count.get(), rate.period))
    }

    #[test]
    fn rates_are_what_they_say() {
        assert_eq!(rate("100/s"), Some((100, Duration::from_secs(1))));
        assert_eq!(rate("300/min"), Some((300, Duration::from_mins(1))));
        assert_eq!(rate("5/100ms"), Some((5, Duration::from_millis(100))));
        assert_eq!(rate(" 2 / 1m 30s "), Some((2, Duration::from_secs(90))));
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in
            ["", "/", "100", "100/", "/s", "0/s", "-1/s", "1.5/s", "1/0s", "1/lightyear", "1/5", "9/1ns"]
        {
            assert!(Rate::parse(text).is_err(), "{text:?} was taken for a rate");
        }
    }

    proptest! {
        #[test]
        fn any_count_over_any_period_is_exact(count in 1_u32.., ms in 5000_u64..1_000_000_000) {
            prop_assert_eq!(rate(&format!("{count}/{ms}ms")), Some((count, Duration::from_millis(ms))));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = Rate::parse(&text);
        }

        #[test]
        fn no_text_around_a_slash_makes_it_panic(count in "\\PC{0,12}", period in "\\PC{0,12}") {
            let _ = Rate::parse(&format!("{count}/{period}"));
        }
    }
}
