//! How types, policies and steps are called in a picture, where there is little room.

use std::time::Duration;

use crate::error::human::human;
use crate::report::table::count;
use crate::stage::attribute::Backoff;
use crate::stage::attribute::Growth;
use crate::stage::attribute::Policy;

/// `Vec<Airport>` of `alloc::vec::Vec<app::Airport>`: each path in it by its last segment, and no longer than `room`
/// characters.
pub(super) fn short_type(full: &str, room: usize) -> String {
    let mut short = String::with_capacity(full.len());
    let mut segment = 0;
    let mut rest = full;
    while let Some(next) = rest.chars().next() {
        // What follows a `>` is no module, but something within the type before.
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
    capped(&short, room)
}

/// The text, or as much of its beginning as has room, and that it goes on.
pub(super) fn capped(text: &str, room: usize) -> String {
    match text.char_indices().nth(room) {
        None => text.to_owned(),
        Some(_) => text.chars().take(room.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// The text with each run of spaces and line breaks as one space.
pub(super) fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `closure at main.rs:7` of `closure at src/bin/main.rs:7`.
pub(super) fn short_step(name: &str) -> String {
    let name = one_line(name);
    match (name.split_once(" at "), name.rsplit_once(['/', '\\'])) {
        (Some((what, _)), Some((_, file))) => format!("{what} at {file}"),
        _ => name,
    }
}

/// What a stage's attribute asks for, in its words; empty for a bare one.
pub(super) fn policy(policy: &Policy) -> String {
    let mut words = Vec::new();
    match policy.retries {
        0 => {}
        1 => words.push("1 retry".to_owned()),
        retries => words.push(format!("{retries} retries")),
    }
    if policy.retries > 0 {
        words.push(waits(&policy.backoff));
    }
    if let Some(timeout) = policy.timeout {
        words.push(format!("timeout {}", human(timeout)));
    }
    if let Some(deadline) = policy.deadline {
        words.push(format!("deadline {}", human(deadline)));
    }
    if let Some(concurrency) = policy.concurrency {
        words.push(format!("concurrency {concurrency}"));
    }
    if let Some(rate) = policy.rate {
        words.push(format!("rate {}/{}", rate.count, period(rate.period)));
    }
    words.join(", ")
}

/// `exponential from 100ms to 5s with jitter`, the longest wait only where it is not the default.
fn waits(backoff: &Backoff) -> String {
    let delay = human(backoff.delay);
    let growth = match backoff.growth {
        Growth::Fixed => format!("fixed {delay}"),
        Growth::Linear => format!("linear from {delay}"),
        Growth::Exponential => format!("exponential from {delay}"),
    };
    let longest = Backoff::DEFAULT.with_delay(backoff.delay).max_delay;
    let is_cut = backoff.growth != Growth::Fixed && backoff.max_delay != longest;
    let cut = if is_cut { format!(" to {}", human(backoff.max_delay)) } else { String::new() };
    let jitter = if backoff.jitter { " with jitter" } else { "" };
    format!("{growth}{cut}{jitter}")
}

/// `s` of a second: a bare unit stands for one of it.
fn period(period: Duration) -> String {
    match (period.as_secs(), period.subsec_nanos()) {
        (1, 0) => "s".to_owned(),
        (60, 0) => "min".to_owned(),
        (3600, 0) => "h".to_owned(),
        _ => human(period).to_string(),
    }
}

/// `3,376 calls`
pub(super) fn counted(number: usize, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// The share of a whole, ` (0.4 %)`; nothing where it is no share. (Of a batch, rows fail.)
pub(super) fn share(part: usize, whole: usize) -> String {
    if whole == 0 || part > whole {
        return String::new();
    }
    match part as u128 * 1000 / whole as u128 {
        0 => " (under 0.1 %)".to_owned(),
        tenths if tenths % 10 == 0 => format!(" ({} %)", tenths / 10),
        tenths => format!(" ({}.{} %)", tenths / 10, tenths % 10),
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::{hasty, patient, stubborn};
    use super::*;
    use crate::stage::attribute::Rate;

    #[test]
    fn types_go_by_the_last_segment_of_each_path() {
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
    fn a_long_type_is_cut_and_says_so() {
        assert_eq!(short_type("std::collections::HashMap<String, Vec<u8>>", 12), "HashMap<Str…");
        assert_eq!(short_type("exactly_twelve".get(2..).unwrap_or_default(), 12), "actly_twelve");
    }

    #[test]
    fn a_policy_is_in_the_words_of_its_attribute() {
        assert_eq!(policy(&Policy::new("bare")), "");
        assert_eq!(policy(&hasty("hasty")), "timeout 250ms");
        let words = "3 retries, exponential from 100ms, timeout 5s, concurrency 4, rate 100/s";
        assert_eq!(policy(&patient("patient")), words);
        let words = "1 retry, linear from 100ms to 2s with jitter, deadline 1m 30s";
        assert_eq!(policy(&stubborn("stubborn")), words);
        let mut fixed = Policy::new("fixed");
        fixed.retries = 2;
        fixed.backoff =
            Backoff { growth: Growth::Fixed, ..Backoff::DEFAULT.with_delay(Duration::from_mins(1)) };
        fixed.rate = Rate::new(5, Duration::from_millis(100));
        assert_eq!(policy(&fixed), "2 retries, fixed 1m 0s, rate 5/100ms");
    }

    #[test]
    fn a_share_has_one_digit_behind_the_point_and_never_claims_to_be_nothing() {
        let shares =
            [(12, 3376), (1, 4), (1, 100_000), (7, 7), (3, 2), (1, 0)].map(|(part, of)| share(part, of));
        assert_eq!(shares, [" (0.3 %)", " (25 %)", " (under 0.1 %)", " (100 %)", "", ""]);
    }

    #[test]
    fn a_step_leaves_the_folders_of_its_place_out() {
        assert_eq!(short_step("closure at src/bin/main.rs:7"), "closure at main.rs:7");
        assert_eq!(short_step("closure at main.rs:7"), "closure at main.rs:7");
        assert_eq!(short_step("fetch"), "fetch");
        assert_eq!(one_line(" Kind::A\n    | Kind::B "), "Kind::A | Kind::B");
    }
}
