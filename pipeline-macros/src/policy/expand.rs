//! A policy → the runtime's.

use std::time::Duration;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::model::Policy;
use crate::paths::Runtime;
use crate::value::Rate;

/// The policy of an attribute, as a constant.
pub(crate) fn constant(
    policy: &Policy,
    function: &Ident,
    interruptible: bool,
    runtime: &Runtime,
) -> TokenStream {
    let private = runtime.private();
    let name = policy.name.as_ref().map_or_else(|| unraw(function), |name| name.value.clone());
    let changes = changes(policy, runtime);
    quote! {{
        let mut policy = #private::Policy::new(#name);
        policy.interruptible = #interruptible;
        #changes
        policy
    }}
}

/// The policy of one use: the stage's own, less what is overridden.
pub(crate) fn overrides(policy: &Policy, own: &TokenStream, runtime: &Runtime) -> TokenStream {
    let name = policy.name.as_ref().map(|name| {
        let name = &name.value;
        quote!(policy.name = #name;)
    });
    let changes = changes(policy, runtime);
    quote! {{
        let mut policy = #own;
        #name
        #changes
        policy
    }}
}

/// What an override has to agree with in the stage's own policy: statements over a constant `OWN`.
pub(crate) fn agreement(policy: &Policy, runtime: &Runtime) -> TokenStream {
    let private = runtime.private();
    let mut rules = TokenStream::new();
    let mut rule = |at: Span, holds: TokenStream, message: &str| {
        let refuse = quote_spanned!(at=> ::core::panic!(#message));
        rules.extend(quote!(if !#holds { #refuse }));
    };
    if policy.retries.is_none() {
        for key in policy.about_retries() {
            let message = format!(
                "`{key}` is about retries, and this stage has none: add `.retries(3)`, or leave `{key}` out"
            );
            rule(key.span(), quote!((OWN.retries > 0)), &message);
        }
    }
    if let Some(timeout) = &policy.timeout {
        let message = "a `timeout` could not interrupt this stage, which is not async: make it an `async fn`, or add `blocking` to its attribute";
        rule(timeout.key.span(), quote!(OWN.interruptible), message);
        if policy.deadline.is_none() {
            let value = duration(timeout.value, runtime);
            let message = "`timeout` has to be shorter than the stage's own `deadline`, which covers all attempts and the waits between them";
            rule(timeout.at.span(), quote!(OWN.deadline_allows(#value)), message);
        }
    }
    if let (Some(deadline), None) = (&policy.deadline, &policy.timeout) {
        let value = duration(deadline.value, runtime);
        let message = "`deadline` has to be longer than the stage's own `timeout`: it covers all attempts and the waits between them";
        rule(deadline.at.span(), quote!(OWN.timeout_allows(#value)), message);
    }
    if let (Some(max_delay), None) = (&policy.max_delay, &policy.delay) {
        let value = duration(max_delay.value, runtime);
        let message =
            "`max_delay` is less than the stage's own `delay`, which is 100ms unless it says otherwise";
        rule(max_delay.at.span(), quote!(OWN.delay_allows(#value)), message);
    }
    if let (Some(delay), None) = (&policy.delay, &policy.max_delay) {
        let value = duration(delay.value, runtime);
        let message = "`delay` is more than the stage's own `max_delay`: override that too";
        rule(delay.at.span(), quote!(OWN.max_delay_allows(#value)), message);
    }
    if rules.is_empty() {
        return rules;
    }
    quote! {
        const _: () = {
            const OWN: #private::Policy = __Stage::__POLICY;
            #rules
        };
    }
}

/// Statements over a variable `policy`.
fn changes(policy: &Policy, runtime: &Runtime) -> TokenStream {
    let private = runtime.private();
    let mut changes = TokenStream::new();
    if let Some(retries) = &policy.retries {
        let retries = retries.value;
        changes.extend(quote!(policy.retries = #retries;));
    }
    if let Some(backoff) = &policy.backoff {
        let variant = Ident::new(backoff.value.variant(), Span::call_site());
        changes.extend(quote!(policy.backoff.growth = #private::Growth::#variant;));
    }
    if let Some(delay) = &policy.delay {
        let delay = duration(delay.value, runtime);
        changes.extend(quote!(policy.backoff = policy.backoff.with_delay(#delay);));
    }
    if let Some(max_delay) = &policy.max_delay {
        let max_delay = duration(max_delay.value, runtime);
        changes.extend(quote!(policy.backoff.max_delay = #max_delay;));
    }
    if policy.jitter.is_some() {
        changes.extend(quote!(policy.backoff.jitter = true;));
    }
    if let Some(timeout) = &policy.timeout {
        let timeout = duration(timeout.value, runtime);
        changes.extend(quote!(policy.timeout = #private::Option::Some(#timeout);));
    }
    if let Some(deadline) = &policy.deadline {
        let deadline = duration(deadline.value, runtime);
        changes.extend(quote!(policy.deadline = #private::Option::Some(#deadline);));
    }
    if let Some(concurrency) = &policy.concurrency {
        let n = concurrency.value;
        changes.extend(quote!(policy.concurrency = #private::NonZeroU32::new(#n);));
    }
    if let Some(rate) = &policy.rate {
        let Rate { count, period } = rate.value;
        let (count, period) = (count.get(), duration(period, runtime));
        changes.extend(quote!(policy.rate = #private::Rate::new(#count, #period);));
    }
    changes
}

pub(crate) fn duration(duration: Duration, runtime: &Runtime) -> TokenStream {
    let private = runtime.private();
    let (secs, nanos) = (duration.as_secs(), duration.subsec_nanos());
    quote!(#private::Duration::new(#secs, #nanos))
}

/// The name of a function, less the `r#` of a keyword.
fn unraw(ident: &Ident) -> String {
    syn::ext::IdentExt::unraw(ident).to_string()
}
