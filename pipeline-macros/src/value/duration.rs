//! Durations: "5s", "250ms", "1m 30s".

use std::time::Duration;

const EXAMPLE: &str = "write a number and a unit, such as `\"250ms\"`, `\"5s\"` or `\"1m 30s\"`";

/// The units, in nanoseconds. None that is long enough to be mistaken: `M` is a month to some and a minute to others.
const UNITS: [(&[&str], u128); 7] = [
    (&["ns", "nsec", "nanosecond", "nanoseconds"], 1),
    (&["us", "µs", "usec", "microsecond", "microseconds"], 1_000),
    (&["ms", "msec", "millisecond", "milliseconds"], 1_000_000),
    (&["s", "sec", "secs", "second", "seconds"], 1_000_000_000),
    (&["m", "min", "mins", "minute", "minutes"], 60 * 1_000_000_000),
    (&["h", "hr", "hrs", "hour", "hours"], 3600 * 1_000_000_000),
    (&["d", "day", "days"], 24 * 3600 * 1_000_000_000),
];

/// Words for longer times, which other formats have.
const LONG: [&str; 10] = ["M", "month", "months", "w", "week", "weeks", "y", "yr", "year", "years"];

/// Parses a duration.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return Err(format!("an empty string is not a duration: {EXAMPLE}"));
    }
    if rest.parse::<f64>().is_ok() {
        return Err(format!("`{text}` has no unit: is it `\"{rest}s\"` or `\"{rest}ms\"`?"));
    }
    let too_long = || format!("`{text}` is too long: the maximum is 584 years");
    let mut nanos = 0_u128;
    while !rest.is_empty() {
        let (number, after) = split(rest, |c| c.is_ascii_digit());
        let (unit, after) = split(after.trim_start(), char::is_alphabetic);
        if number.is_empty() || unit.is_empty() {
            return Err(format!("`{text}` is not a duration: {EXAMPLE}"));
        }
        if LONG.contains(&unit) {
            return Err(format!(
                "`{unit}` is not a unit here: write minutes as `m`, and long times in days, `\"30days\"`"
            ));
        }
        let Some((_, length)) = UNITS.iter().find(|(names, _)| names.contains(&unit)) else {
            return Err(format!("`{unit}` is not a unit of time: {EXAMPLE}"));
        };
        let part = number.parse::<u128>().ok().and_then(|number| number.checked_mul(*length));
        nanos = part.and_then(|part| nanos.checked_add(part)).ok_or_else(too_long)?;
        rest = after.trim_start();
    }
    u64::try_from(nanos).map(Duration::from_nanos).map_err(|_| too_long())
}

fn split(text: &str, is_part: impl Fn(char) -> bool) -> (&str, &str) {
    text.split_at(text.find(|c| !is_part(c)).unwrap_or(text.len()))
}

/// A duration in full: `2days 3h`.
pub(crate) fn display(duration: Duration) -> String {
    let names = ["days", "h", "m", "s", "ms", "us", "ns"];
    let mut rest = duration.as_nanos();
    let mut parts = Vec::new();
    for (name, (_, length)) in names.iter().zip(UNITS.iter().rev()) {
        let count = rest / length;
        rest %= length;
        match (count, *name) {
            (0, _) => {}
            (1, "days") => parts.push("1day".to_owned()),
            _ => parts.push(format!("{count}{name}")),
        }
    }
    if parts.is_empty() { "0s".to_owned() } else { parts.join(" ") }
}

/// Parses a duration that is longer than zero.
pub(crate) fn nonzero_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err(format!("`{text}` is zero: this duration must be longer")),
        duration => Ok(duration),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_what_they_say() {
        assert_eq!(duration("5s"), Ok(Duration::from_secs(5)));
        assert_eq!(duration("1m 30s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("250ms"), Ok(Duration::from_millis(250)));
        assert_eq!(duration("0s"), Ok(Duration::ZERO));
        assert!(nonzero_duration("0ms").is_err());
    }

    #[test]
    fn what_is_too_long_or_can_be_mistaken_is_refused() {
        for text in
            ["18446744073709551615s 1000ms", "600years", "999999999999999999999999999999999999999999s"]
        {
            assert!(duration(text).is_err(), "{text:?} was taken for a duration");
        }
        assert_eq!(
            duration("5M"),
            Err("`M` is not a unit here: write minutes as `m`, and long times in days, `\"30days\"`"
                .to_owned())
        );
        assert_eq!(display(Duration::from_secs(200_000)), "2days 7h 33m 20s");
    }

    #[test]
    fn the_error_for_a_number_without_a_unit_suggests_units() {
        assert_eq!(duration("5"), Err("`5` has no unit: is it `\"5s\"` or `\"5ms\"`?".to_owned()));
    }

    proptest! {
        #[test]
        fn whole_numbers_of_each_unit_are_exact(n in 0_u32..=5_000_000) {
            let n = u64::from(n);
            prop_assert_eq!(duration(&format!("{n}ns")), Ok(Duration::from_nanos(n)));
            prop_assert_eq!(duration(&format!("{n}us")), Ok(Duration::from_micros(n)));
            prop_assert_eq!(duration(&format!("{n}ms")), Ok(Duration::from_millis(n)));
            prop_assert_eq!(duration(&format!("{n}s")), Ok(Duration::from_secs(n)));
            prop_assert_eq!(duration(&format!("{n}min")), Ok(Duration::from_secs(60 * n)));
            prop_assert_eq!(duration(&format!("{n}h")), Ok(Duration::from_secs(3600 * n)));
        }

        #[test]
        fn parts_add_up(h in 0_u64..1000, m in 0_u64..60, s in 0_u64..60, ms in 0_u64..1000) {
            let whole = Duration::from_millis(((h * 60 + m) * 60 + s) * 1000 + ms);
            prop_assert_eq!(duration(&format!("{h}h {m}m {s}s {ms}ms")), Ok(whole));
        }

        #[test]
        fn what_is_printed_is_read_back(secs in any::<u32>(), nanos in 0_u32..1_000_000_000) {
            let whole = Duration::new(secs.into(), nanos);
            prop_assert_eq!(duration(&display(whole)), Ok(whole));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = nonzero_duration(&text);
        }
    }
}
