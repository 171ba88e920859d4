//! Short texts for types, policies, steps and numbers in a graph.

use std::time::Duration;

use crate::error::human::format_duration;
use crate::report::table::with_separators;
use crate::stage::attribute::Backoff;
use crate::stage::attribute::Growth;
use crate::stage::attribute::Policy;

/// Shortens each path in a type to its last segment, and the whole to `max_chars` characters:
/// `alloc::vec::Vec<app::Airport>` becomes `Vec<Airport>`.
pub(super) fn short_type(full: &str, max_chars: usize) -> String {
    let mut short = String::with_capacity(full.len());
    let mut segment = 0;
    let mut rest = full;
    while let Some(next) = rest.chars().next() {
        // After `>` the `::` is not part of a module path but leads to an associated item.
        if rest.starts_with("::") && !short.ends_with('>') {
            short.truncate(segment);
            rest = &rest[2..];
        } else if let Some(after) = rest.strip_prefix("{{closure}}") {
            short.push_str("closure");
            rest = after;
        } else {
            short.push(next);
            rest = &rest[next.len_utf8()..];
            if !(next.is_alphanumeric() || next == '_') {
                segment = short.len();
            }
        }
    }
    truncated(&short, max_chars)
}

/// Truncates a text to `max_chars` characters, the last of which is then `…`.
pub(super) fn truncated(text: &str, max_chars: usize) -> String {
    match text.char_indices().nth(max_chars) {
        None => text.to_owned(),
        Some(_) => text.chars().take(max_chars.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// Replaces each run of spaces and line breaks by one space.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Drops the folders of a closure's location: `closure at src/bin/main.rs:7` becomes `closure at main.rs:7`.
pub(super) fn short_step(name: &str) -> String {
    let name = one_line(name);
    match (name.split_once(" at "), name.rsplit_once(['/', '\\'])) {
        (Some((what, _)), Some((_, file))) => format!("{what} at {file}"),
        _ => name,
    }
}

/// Describes a policy in the words of the stage attribute; empty for a stage without options.
pub(super) fn describe_policy(policy: &Policy) -> String {
    let mut words = Vec::new();
    match policy.retries {
        0 => {}
        1 => words.push("1 retry".to_owned()),
        retries => words.push(format!("{retries} retries")),
    }
    if policy.retries > 0 {
        words.push(describe_backoff(&policy.backoff));
    }
    if let Some(timeout) = policy.timeout {
        words.push(format!("timeout {}", format_duration(timeout)));
    }
    if let Some(deadline) = policy.deadline {
        words.push(format!("deadline {}", format_duration(deadline)));
    }
    if let Some(concurrency) = policy.concurrency {
        words.push(format!("concurrency {concurrency}"));
    }
    if policy.in_order {
        words.push("in order".to_owned());
    }
    if let Some(rate) = policy.rate {
        let burst = policy.burst.map(|burst| format!(" in bursts of {burst}")).unwrap_or_default();
        words.push(format!("rate {}/{}{burst}", rate.count, rate_period(rate.period)));
    }
    words.join(", ")
}

/// Describes a backoff: `exponential from 100ms to 5s with jitter`. The maximum is omitted if it is the default.
fn describe_backoff(backoff: &Backoff) -> String {
    let delay = format_duration(backoff.delay);
    let growth = match backoff.growth {
        Growth::Fixed => format!("fixed {delay}"),
        Growth::Linear => format!("linear from {delay}"),
        Growth::Exponential => format!("exponential from {delay}"),
    };
    let default_max = Backoff::DEFAULT.with_delay(backoff.delay).max_delay;
    let has_max = backoff.growth != Growth::Fixed && backoff.max_delay != default_max;
    let max = if has_max { format!(" to {}", format_duration(backoff.max_delay)) } else { String::new() };
    let jitter = if backoff.jitter { " with jitter" } else { "" };
    format!("{growth}{max}{jitter}")
}

/// Formats the period of a rate: a single second, minute or hour is just the unit, as in `100/s`.
fn rate_period(period: Duration) -> String {
    match (period.as_secs(), period.subsec_nanos()) {
        (1, 0) => "s".to_owned(),
        (60, 0) => "min".to_owned(),
        (3600, 0) => "h".to_owned(),
        _ => format_duration(period).to_string(),
    }
}

/// Formats a number with its unit: `1 call`, `3,376 calls`.
pub(super) fn counted(number: usize, singular: &str, plural: &str) -> String {
    format!("{} {}", with_separators(number), if number == 1 { singular } else { plural })
}

/// Formats a share as ` (0.4 %)`. Empty if `part` exceeds `whole`: of one call on a batch, many rows can fail.
pub(super) fn percentage(part: usize, whole: usize) -> String {
    if whole == 0 || part > whole {
        return String::new();
    }
    match part as u128 * 1000 / whole as u128 {
        0 => " (under 0.1 %)".to_owned(),
        tenths if tenths % 10 == 0 => format!(" ({} %)", tenths / 10),
        tenths => format!(" ({}.{} %)", tenths / 10, tenths % 10),
    }
}

/// Escapes a text for XML, and for Graphviz's HTML-like labels.
pub(super) fn escape_xml(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_keeps_the_last_segment_of_each_path() {
        for (full, short) in [
            ("u32", "u32"),
            ("alloc::vec::Vec<app::Airport>", "Vec<Airport>"),
            ("(alloc::string::String, &'static app::deep::Id, [u8; 4])", "(String, &'static Id, [u8; 4])"),
            ("core::result::Result<alloc::vec::Vec<u8>, std::io::error::Error>", "Result<Vec<u8>, Error>"),
            ("alloc::boxed::Box<dyn core::error::Error + core::marker::Send>", "Box<dyn Error + Send>"),
            ("fn(app::In) -> app::Out", "fn(In) -> Out"),
            ("app::main::{{closure}}", "closure"),
            ("<app::Site as app::Feed>::Item", "<Site as Feed>::Item"),
            ("app::größe::Maß", "Maß"),
            ("()", "()"),
        ] {
            assert_eq!(short_type(full, 80), short);
        }
    }

    #[test]
    fn a_long_type_is_truncated_with_an_ellipsis() {
        assert_eq!(short_type("std::collections::HashMap<String, Vec<u8>>", 12), "HashMap<Str…");
        assert_eq!(short_type("exactly_twelve".get(2..).unwrap_or_default(), 12), "actly_twelve");
    }

    #[test]
    fn a_percentage_has_one_decimal_and_is_never_zero() {
        let shares = [(12, 3376), (1, 4), (1, 100_000), (7, 7), (3, 2), (1, 0)]
            .map(|(part, whole)| percentage(part, whole));
        assert_eq!(shares, [" (0.3 %)", " (25 %)", " (under 0.1 %)", " (100 %)", "", ""]);
    }

    #[test]
    fn a_step_name_omits_folders() {
        assert_eq!(short_step("closure at src/bin/main.rs:7"), "closure at main.rs:7");
        assert_eq!(short_step("closure at main.rs:7"), "closure at main.rs:7");
        assert_eq!(short_step("fetch"), "fetch");
        assert_eq!(one_line(" Kind::A\n    | Kind::B "), "Kind::A | Kind::B");
    }

    #[test]
    fn xml_is_escaped() {
        assert_eq!(escape_xml("Vec<&str> \"x\""), "Vec&lt;&amp;str&gt; &quot;x&quot;");
    }
}
