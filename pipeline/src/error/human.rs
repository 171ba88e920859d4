//! Formats durations for people: in errors, reports and graphs.

use std::fmt;
use std::time::Duration;

/// Displays a duration with up to three significant digits: `1.2s`, `350ms`, `2m 5s`.
pub(crate) fn format_duration(duration: Duration) -> Human {
    Human(duration)
}

pub(crate) struct Human(Duration);

impl fmt::Display for Human {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(duration) = self;
        let seconds = duration.as_secs();
        if seconds >= 3600 {
            return write!(f, "{}h {}m", seconds / 3600, seconds % 3600 / 60);
        }
        if seconds >= 60 {
            return write!(f, "{}m {}s", seconds / 60, seconds % 60);
        }
        let nanos = duration.as_nanos();
        let (unit, name) = match nanos {
            1_000_000_000.. => (1_000_000_000, "s"),
            1_000_000.. => (1_000_000, "ms"),
            1_000.. => (1_000, "µs"),
            _ => (1, "ns"),
        };
        let whole = nanos / unit;
        // Digits are truncated, not rounded: 999.9ms must not become 1000ms.
        let digits = match whole {
            100.. => 0,
            10.. => 1,
            _ => 2,
        };
        let decimals = |n: u32| nanos % unit * 10_u128.pow(n) / unit;
        let fraction = format!("{:0width$}", decimals(digits), width = digits as usize);
        let fraction = if digits == 0 { "" } else { fraction.trim_end_matches('0') };
        match fraction {
            "" => write!(f, "{whole}{name}"),
            fraction => write!(f, "{whole}.{fraction}{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_up_to_three_digits() {
        for (nanos, text) in [
            (0, "0ns"),
            (7, "7ns"),
            (1_234, "1.23µs"),
            (999_999, "999µs"),
            (10_250_000, "10.2ms"),
            (1_200_000_000, "1.2s"),
            (2_000_000_000, "2s"),
            (59_999_999_999, "59.9s"),
            (125_000_000_000, "2m 5s"),
            (7_380_000_000_000, "2h 3m"),
        ] {
            assert_eq!(format_duration(Duration::from_nanos(nanos)).to_string(), text);
        }
    }
}
