//! A policy → the runtime's `Policy`.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::model::Policy;
use crate::crate_path::CratePath;
use crate::value::{Growth, Rate};

/// After this number of parts in a row without a success, the rest of a batch fails as it is.
const SPLIT_LIMIT: u32 = 16;

/// What a policy says of the function.
pub(crate) struct Qualities {
    pub(crate) interruptible: bool,
    pub(crate) fallible: bool,
    /// Whether there is a constant `__RETURNS_FUTURE` that says so; without it, it does not.
    pub(crate) may_return_future: bool,
}

/// The policy of an attribute, as a constant.
pub(crate) fn policy_constant(
    policy: &Policy,
    function: &Ident,
    Qualities { interruptible, fallible, may_return_future }: Qualities,
    crate_path: &CratePath,
) -> TokenStream {
    let private = crate_path.private();
    let name = policy.name.as_ref().map_or_else(|| function_name(function), |name| name.value.clone());
    let assignments = assignments(policy, crate_path);
    let blocking = policy.blocking.is_some();
    let returns_future = may_return_future.then(|| quote!(__policy.returns_future = __RETURNS_FUTURE;));
    quote! {{
        let mut __policy = #private::Policy::new(#name);
        __policy.interruptible = #interruptible;
        __policy.blocking = #blocking;
        __policy.fallible = #fallible;
        #returns_future
        #assignments
        __policy
    }}
}

/// The policy of one use: the stage's own, with overrides.
pub(crate) fn overridden_policy(policy: &Policy, own: &TokenStream, crate_path: &CratePath) -> TokenStream {
    let name = policy.name.as_ref().map(|name| {
        let name = &name.value;
        quote!(__policy.name = #name;)
    });
    let assignments = assignments(policy, crate_path);
    quote! {{
        let mut __policy = #own;
        #name
        #assignments
        __policy
    }}
}

/// Checks overrides against the stage's own policy, `OWN`, at compile time.
pub(crate) fn override_assertions(policy: &Policy, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    let mut assertions = TokenStream::new();
    let mut assert = |at: Span, holds: TokenStream, message: &str| {
        let refuse = quote_spanned!(at=> ::core::panic!(#message));
        assertions.extend(quote!(if !#holds { #refuse }));
    };
    if policy.retries.is_none() {
        for key in policy.retry_options() {
            let message = format!(
                "`{key}` affects only retries, and this stage has none: add `.retries(3)`, or remove `{key}`"
            );
            assert(key.span(), quote!((OWN.retries > 0)), &message);
        }
    }
    if let (Some(retries), None) = (&policy.retries, &policy.timeout)
        && retries.value > 0
    {
        let message = "this stage cannot fail, so there is nothing to retry: let it return a `Result`, override its `timeout` too, or remove `retries`";
        assert(retries.key.span(), quote!((OWN.fallible || OWN.timeout.is_some())), message);
    }
    if let Some(timeout) = &policy.timeout {
        let message = "a `timeout` cannot interrupt this stage, which is not async: make it an `async fn`, or add `blocking` to its attribute";
        assert(timeout.key.span(), quote!(OWN.interruptible), message);
        if policy.deadline.is_none() {
            let value = duration(timeout.value, crate_path);
            let message = "`timeout` must be shorter than the stage's own `deadline`, which covers all attempts and the waits between them";
            assert(timeout.tokens.span(), quote!(OWN.deadline_allows(#value)), message);
        }
    }
    if let (Some(backoff), None) = (&policy.backoff, &policy.delay)
        && backoff.value != Growth::Fixed
    {
        let message =
            "the stage's own `delay` is zero, so a `backoff` has nothing to multiply: override `delay` too";
        assert(backoff.key.span(), quote!((OWN.backoff.delay.as_nanos() > 0)), message);
    }
    if let (Some(burst), None) = (&policy.burst, &policy.rate) {
        let value = burst.value;
        let message =
            "`burst` is for a stage with a `rate`, and is at most the number of calls that it allows";
        assert(burst.tokens.span(), quote!(OWN.burst_allowed(#value)), message);
    }
    if let (Some(deadline), None) = (&policy.deadline, &policy.timeout) {
        let value = duration(deadline.value, crate_path);
        let message = "`deadline` must be longer than the stage's own `timeout`: it covers all attempts and the waits between them";
        assert(deadline.tokens.span(), quote!(OWN.timeout_allows(#value)), message);
    }
    if let (Some(max_delay), None) = (&policy.max_delay, &policy.delay) {
        let value = duration(max_delay.value, crate_path);
        let message =
            "`max_delay` is less than the stage's own `delay`, which is 100ms unless it says otherwise";
        assert(max_delay.tokens.span(), quote!(OWN.delay_allows(#value)), message);
    }
    if let (Some(delay), None) = (&policy.delay, &policy.max_delay) {
        let value = duration(delay.value, crate_path);
        let message = "`delay` is more than the stage's own `max_delay`: override that too";
        assert(delay.tokens.span(), quote!(OWN.max_delay_allows(#value)), message);
    }
    if assertions.is_empty() {
        return assertions;
    }
    quote! {
        const _: () = {
            const OWN: #private::Policy = __Stage::__POLICY;
            #assertions
        };
    }
}

/// Checks at compile time that the last stage does not return a future.
pub(crate) fn output_assertion(at: Span) -> TokenStream {
    let message = "this stage returns a future, which would be the output of the pipeline: nobody would poll it; make the stage an `async fn`, or end with one that awaits it";
    let refuse = quote_spanned!(at=> ::core::panic!(#message));
    let policy = quote_spanned!(at=> __Stage::__POLICY);
    quote!(const _: () = if #policy.returns_future { #refuse };)
}

/// Assignments to a variable `__policy`.
fn assignments(policy: &Policy, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    let mut assignments = TokenStream::new();
    if let Some(retries) = &policy.retries {
        let retries = retries.value;
        assignments.extend(quote!(__policy.retries = #retries;));
    }
    if let Some(backoff) = &policy.backoff {
        let variant = Ident::new(backoff.value.variant(), Span::call_site());
        assignments.extend(quote!(__policy.backoff.growth = #private::Growth::#variant;));
    }
    if let Some(delay) = &policy.delay {
        let delay = duration(delay.value, crate_path);
        assignments.extend(quote!(__policy.backoff = __policy.backoff.with_delay(#delay);));
    }
    if let Some(max_delay) = &policy.max_delay {
        let max_delay = duration(max_delay.value, crate_path);
        assignments.extend(quote!(__policy.backoff.max_delay = #max_delay;));
    }
    if policy.jitter.is_some() {
        assignments.extend(quote!(__policy.backoff.jitter = true;));
    }
    if let Some(timeout) = &policy.timeout {
        let timeout = duration(timeout.value, crate_path);
        assignments.extend(quote!(__policy.timeout = #private::Option::Some(#timeout);));
    }
    if let Some(deadline) = &policy.deadline {
        let deadline = duration(deadline.value, crate_path);
        assignments.extend(quote!(__policy.deadline = #private::Option::Some(#deadline);));
    }
    if let Some(concurrency) = &policy.concurrency {
        let n = concurrency.value;
        assignments.extend(quote!(__policy.concurrency = #private::NonZeroU32::new(#n);));
    }
    if let Some(rate) = &policy.rate {
        let Rate { count, period } = rate.value;
        let (count, period) = (count.get(), duration(period, crate_path));
        assignments.extend(quote!(__policy.rate = #private::Rate::new(#count, #period);));
    }
    if let Some(burst) = &policy.burst {
        let n = burst.value;
        assignments.extend(quote!(__policy.burst = #private::NonZeroU32::new(#n);));
    }
    if policy.splits() {
        let limit = policy.split_limit.as_ref().map_or(SPLIT_LIMIT, |limit| limit.value);
        assignments.extend(quote!(__policy.split_limit = #private::NonZeroU32::new(#limit);));
    }
    let flags = [
        (policy.retry_if.is_some(), "retry_if"),
        (policy.pause_all.is_some(), "pause_all"),
        (policy.in_order.is_some(), "in_order"),
    ];
    for (_, field) in flags.into_iter().filter(|(is_set, _)| *is_set) {
        let field = Ident::new(field, Span::call_site());
        assignments.extend(quote!(__policy.#field = true;));
    }
    assignments
}

pub(crate) fn duration(duration: Duration, crate_path: &CratePath) -> TokenStream {
    let private = crate_path.private();
    let (secs, nanos) = (duration.as_secs(), duration.subsec_nanos());
    quote!(#private::Duration::new(#secs, #nanos))
}

/// The name of a function, without `r#`.
fn function_name(ident: &Ident) -> String {
    syn::ext::IdentExt::unraw(ident).to_string()
}
