//! The rules among the options of one policy.

use std::time::Duration;

use super::model::{Asyncness, Policy};
use crate::diagnostics::Diagnostics;
use crate::value::{Growth, display};

/// The rules of an attribute.
pub(crate) fn check_attribute(policy: &Policy, asyncness: Asyncness, diagnostics: &mut Diagnostics) {
    if policy.retries.is_none() {
        for key in policy.retry_options() {
            let message = format!(
                "`{key}` affects only retries, and this stage has none: add `retries = 3`, or remove `{key}`"
            );
            diagnostics.error(key, message);
        }
    }
    if let (Some(pause_all), None, Some(_)) = (&policy.pause_all, &policy.retry_after, &policy.retries) {
        let message = "`pause_all` holds back the other calls during the wait of `retry_after`, and there is none: add `retry_after = server_wait`, or remove `pause_all`";
        diagnostics.error(&pause_all.key, message);
    }
    if let (Some(burst), None) = (&policy.burst, &policy.rate) {
        let message = "`burst` says how many calls start at once under a `rate`, and this stage has none: add `rate = \"100/s\"`, or remove `burst`";
        diagnostics.error(&burst.key, message);
    }
    let split_keys =
        [policy.split_if.as_ref().map(|it| &it.key), policy.split_limit.as_ref().map(|it| &it.key)];
    if policy.split.is_none() {
        for key in split_keys.into_iter().flatten() {
            let message = format!("`{key}` affects only `split_on_failure`: add that, or remove `{key}`");
            diagnostics.error(key, message);
        }
    }
    if let (Some(blocking), Asyncness::Async) = (&policy.blocking, asyncness) {
        let message = "an `async fn` already yields: remove `blocking`";
        diagnostics.error(&blocking.key, message);
    }
    if let (Some(timeout), Asyncness::Sync, None) = (&policy.timeout, asyncness, &policy.blocking) {
        let message = "a `timeout` cannot interrupt a function that is not async: make it an `async fn`, or add `blocking` to run it on a thread of its own";
        diagnostics.error(&timeout.key, message);
    }
    if let (Some(max), None) = (&policy.max_delay, &policy.delay) {
        // The runtime's default.
        if max.value < Duration::from_millis(100) {
            let message =
                "`max_delay` is less than `delay`, which is 100ms unless you say otherwise: set `delay` too";
            diagnostics.error(&max.tokens, message);
        }
    }
    check_together(policy, diagnostics);
}

/// The rules among the overrides of one use. `override_assertions` has those between an override and the attribute.
pub(crate) fn check_override(policy: &Policy, diagnostics: &mut Diagnostics) {
    if policy.retries.as_ref().is_some_and(|retries| retries.value == 0) {
        for key in policy.retry_options() {
            diagnostics.error(key, format!("`{key}` affects only retries, and `.retries(0)` disables them"));
        }
    }
    check_together(policy, diagnostics);
}

fn check_together(policy: &Policy, diagnostics: &mut Diagnostics) {
    if let (Some(delay), Some(backoff)) = (&policy.delay, &policy.backoff)
        && delay.value.is_zero()
        && backoff.value != Growth::Fixed
    {
        let message = "with a `delay` of zero retries begin at once, and a `backoff` has nothing to multiply: remove it, or give a longer `delay`";
        diagnostics.error(&backoff.key, message);
    }
    if let (Some(delay), Some(max)) = (&policy.delay, &policy.max_delay)
        && max.value < delay.value
    {
        let message =
            format!("`max_delay` is less than `delay`, {}: no wait could be that long", display(delay.value));
        diagnostics.error(&max.tokens, message);
    }
    if let (Some(burst), Some(rate)) = (&policy.burst, &policy.rate)
        && burst.value > rate.value.count.get()
    {
        let message = format!("`burst` is more than the rate allows at all, {}", rate.value.count);
        diagnostics.error(&burst.tokens, message);
    }
    if let (Some(timeout), Some(deadline)) = (&policy.timeout, &policy.deadline)
        && deadline.value <= timeout.value
    {
        let message = format!(
            "`deadline` must be longer than `timeout`, {}: it covers all attempts and the waits between them",
            display(timeout.value)
        );
        diagnostics.error(&deadline.tokens, message);
    }
}
