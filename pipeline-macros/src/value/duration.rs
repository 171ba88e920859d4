//! Durations: "5s", "250ms", "1m 30s".

use std::time::Duration;

/// Parses a duration.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let example = "write a number and a unit, such as `\"250ms\"`, `\"5s\"` or `\"1m 30s\"`";
    match humantime::parse_duration(text) {
        Ok(duration) => Ok(duration),
        Err(_) if text.trim().is_empty() => Err(format!("an empty string is not a duration: {example}")),
        Err(_) if text.trim().parse::<f64>().is_ok() => {
            Err(format!("`{text}` has no unit: is it `\"{0}s\"` or `\"{0}ms\"`?", text.trim()))
        }
        Err(humantime::DurationError::UnknownUnit { unit, .. }) if !unit.is_empty() => {
            Err(format!("`{unit}` is not a unit of time: {example}"))
        }
        Err(_) => Err(format!("`{text}` is not a duration: {example}")),
    }
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
    fn the_error_for_a_number_without_a_unit_suggests_units() {
        assert_eq!(duration("5"), Err("`5` has no unit: is it `\"5s\"` or `\"5ms\"`?".to_owned()));
    }

    proptest! {
        #[test]
        fn whole_numbers_of_each_unit_are_exact(n in 0_u32..=u32::MAX) {
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
            prop_assert_eq!(duration(&humantime::format_duration(whole).to_string()), Ok(whole));
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC*") {
            let _ = nonzero_duration(&text);
        }
    }
}
