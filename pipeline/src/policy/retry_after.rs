//! The value of a `Retry-After` header, for the option `retry_after`.

use std::time::{Duration, SystemTime};

/// Parses the value of a `Retry-After` header: a number of seconds, or a date, from which the time until then is computed. A date
/// that has passed is zero. Returns `None` for anything else.
///
/// Source: RFC 9110, section 10.2.3; the three formats of dates are in section 5.6.7.
///
/// ```
/// use std::time::Duration;
///
/// use pipeline::{retry_after, stage};
///
/// # #[derive(Debug)] struct Response { headers: Vec<(String, String)> }
/// # impl Response { fn header(&self, _: &str) -> Option<&str> { self.headers.first().map(|(_, value)| value.as_str()) } }
/// #[derive(Debug)]
/// struct Refused(Response);
/// # impl std::fmt::Display for Refused { fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("refused") } }
/// # impl std::error::Error for Refused {}
///
/// #[stage(retries = 3, retry_after = |error| retry_after::parse(error.0.header("Retry-After")?))]
/// async fn fetch(url: &str) -> Result<String, Refused> {
/// #   Err(Refused(Response { headers: vec![] }))
///     // …
/// }
///
/// assert_eq!(retry_after::parse("120"), Some(Duration::from_secs(120)));
/// assert_eq!(retry_after::parse("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
/// assert_eq!(retry_after::parse("soon"), None);
/// ```
#[must_use]
pub fn parse(value: &str) -> Option<Duration> {
    parse_at(value, SystemTime::now())
}

fn parse_at(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    // Digits alone: `u64::from_str` takes a `+` too.
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // A number too large for 64 bits is a wait without end.
        return Some(value.parse().map_or(Duration::MAX, Duration::from_secs));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(value: &str) -> Option<Duration> {
        // Sun, 06 Nov 1994 08:49:37 GMT, the date of the RFC's examples.
        parse_at(value, SystemTime::UNIX_EPOCH + Duration::from_secs(784_111_777))
    }

    #[test]
    fn seconds_are_digits() {
        assert_eq!(parsed("0"), Some(Duration::ZERO));
        assert_eq!(parsed(" 120 "), Some(Duration::from_mins(2)));
        assert_eq!(parsed("99999999999999999999999"), Some(Duration::MAX));
        for wrong in ["", "-1", "+1", "1.5", "1s", "soon", "12 0"] {
            assert_eq!(parsed(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_date_has_one_of_three_formats() {
        for date in
            ["Sun, 06 Nov 1994 08:50:37 GMT", "Sunday, 06-Nov-94 08:50:37 GMT", "Sun Nov  6 08:50:37 1994"]
        {
            assert_eq!(parsed(date), Some(Duration::from_mins(1)), "{date}");
        }
        assert_eq!(parsed("Sun, 06 Nov 1994 08:48:37 GMT"), Some(Duration::ZERO));
        assert_eq!(parsed("Sun, 32 Nov 1994 08:49:37 GMT"), None);
    }
}
