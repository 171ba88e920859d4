//! A policy as somebody spelled it, with the places where they did.

use std::time::Duration;

use proc_macro2::{Ident, TokenStream};

use crate::paths::Runtime;
use crate::value::{Growth, Rate};

/// A value and where it was given.
pub(crate) struct Spelled<T> {
    /// The option's name.
    pub(crate) key: Ident,
    pub(crate) value: T,
    /// The value's tokens, to point at.
    pub(crate) at: TokenStream,
}

/// What was said of each option.
#[derive(Default)]
pub(crate) struct Policy {
    pub(crate) name: Option<Spelled<String>>,
    pub(crate) retries: Option<Spelled<u32>>,
    pub(crate) backoff: Option<Spelled<Growth>>,
    pub(crate) delay: Option<Spelled<Duration>>,
    pub(crate) max_delay: Option<Spelled<Duration>>,
    pub(crate) jitter: Option<Spelled<()>>,
    pub(crate) retry_if: Option<Spelled<syn::Path>>,
    pub(crate) retry_after: Option<Spelled<syn::Path>>,
    pub(crate) timeout: Option<Spelled<Duration>>,
    pub(crate) deadline: Option<Spelled<Duration>>,
    pub(crate) concurrency: Option<Spelled<u32>>,
    pub(crate) rate: Option<Spelled<Rate>>,
    pub(crate) blocking: Option<Spelled<()>>,
    /// `split_on_failure`.
    pub(crate) split: Option<Spelled<()>>,
    /// `crate = path`.
    pub(crate) runtime: Option<Spelled<syn::Path>>,
}

impl Policy {
    /// What is left of a policy that makes no sense.
    pub(crate) fn only_runtime(self) -> Self {
        Self { runtime: self.runtime, ..Self::default() }
    }

    /// Where the runtime is.
    pub(crate) fn runtime(&self) -> Runtime {
        self.runtime.as_ref().map(|path| Runtime::at(&path.value)).unwrap_or_default()
    }

    /// Whether a failed attempt is followed by another.
    pub(crate) fn retries(&self) -> bool {
        self.retries.as_ref().is_some_and(|retries| retries.value > 0)
    }

    /// Whether a failed batch is halved.
    pub(crate) fn splits(&self) -> bool {
        self.split.is_some()
    }

    /// Whether calls share a limit.
    pub(crate) fn is_limited(&self) -> bool {
        self.concurrency.is_some() || self.rate.is_some()
    }

    /// Whether there is anything to do about a call but to make it.
    pub(crate) fn is_bare(&self) -> bool {
        !self.retries()
            && !self.splits()
            && !self.is_limited()
            && self.timeout.is_none()
            && self.deadline.is_none()
    }

    /// The options that only say something about retries.
    pub(crate) fn about_retries(&self) -> impl Iterator<Item = &Ident> {
        fn key<T>(option: Option<&Spelled<T>>) -> Option<&Ident> {
            option.map(|spelled| &spelled.key)
        }
        [
            key(self.backoff.as_ref()),
            key(self.delay.as_ref()),
            key(self.max_delay.as_ref()),
            key(self.jitter.as_ref()),
            key(self.retry_if.as_ref()),
            key(self.retry_after.as_ref()),
        ]
        .into_iter()
        .flatten()
    }
}
