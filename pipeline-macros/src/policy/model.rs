//! A policy as it was written, with its spans.

use std::time::Duration;

use proc_macro2::{Ident, TokenStream};

use crate::crate_path::CratePath;
use crate::value::{Growth, Rate};

/// The value of an option, with what errors point to.
pub(crate) struct Spanned<T> {
    /// The name of the option.
    pub(crate) key: Ident,
    pub(crate) value: T,
    /// The tokens of the value.
    pub(crate) tokens: TokenStream,
}

/// What decides by the error of a call.
pub(crate) enum Predicate {
    /// The path of a function.
    Function(syn::Path),
    /// `|error| …`
    Closure(syn::ExprClosure),
}

/// Whether the function of a stage is an `async fn`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asyncness {
    Sync,
    Async,
}

/// The options of a stage that were given.
#[derive(Default)]
pub(crate) struct Policy {
    pub(crate) name: Option<Spanned<String>>,
    pub(crate) retries: Option<Spanned<u32>>,
    pub(crate) backoff: Option<Spanned<Growth>>,
    pub(crate) delay: Option<Spanned<Duration>>,
    pub(crate) max_delay: Option<Spanned<Duration>>,
    pub(crate) jitter: Option<Spanned<()>>,
    pub(crate) retry_if: Option<Spanned<Predicate>>,
    pub(crate) retry_after: Option<Spanned<Predicate>>,
    pub(crate) pause_all: Option<Spanned<()>>,
    pub(crate) timeout: Option<Spanned<Duration>>,
    pub(crate) deadline: Option<Spanned<Duration>>,
    pub(crate) concurrency: Option<Spanned<u32>>,
    pub(crate) rate: Option<Spanned<Rate>>,
    pub(crate) burst: Option<Spanned<u32>>,
    pub(crate) in_order: Option<Spanned<()>>,
    pub(crate) blocking: Option<Spanned<()>>,
    /// `split_on_failure`.
    pub(crate) split: Option<Spanned<()>>,
    pub(crate) split_if: Option<Spanned<Predicate>>,
    pub(crate) split_limit: Option<Spanned<u32>>,
    /// The return type is a `Result` under another name.
    pub(crate) fallible: Option<Spanned<()>>,
    /// `crate = path`.
    pub(crate) crate_path: Option<Spanned<syn::Path>>,
}

impl Policy {
    /// What remains of a policy with errors: what the types depend on.
    pub(crate) fn without_policies(self) -> Self {
        Self { crate_path: self.crate_path, fallible: self.fallible, ..Self::default() }
    }

    /// The path of the runtime crate.
    pub(crate) fn crate_path(&self) -> CratePath {
        self.crate_path.as_ref().map(|path| CratePath::new(&path.value)).unwrap_or_default()
    }

    /// Whether a failed call is attempted again.
    pub(crate) fn retries(&self) -> bool {
        self.retries.as_ref().is_some_and(|retries| retries.value > 0)
    }

    /// Whether a failed batch is halved.
    pub(crate) fn splits(&self) -> bool {
        self.split.is_some()
    }

    /// Whether calls share a limit.
    pub(crate) fn is_limited(&self) -> bool {
        self.concurrency.is_some()
            || self.rate.is_some()
            || self.in_order.is_some()
            || self.pause_all.is_some()
    }

    /// Whether no option affects a call. A blocking call is queued, and measured.
    pub(crate) fn is_bare(&self) -> bool {
        !self.retries()
            && !self.splits()
            && !self.is_limited()
            && self.timeout.is_none()
            && self.deadline.is_none()
            && self.blocking.is_none()
    }

    /// The names of the given options that affect only retries.
    pub(crate) fn retry_options(&self) -> impl Iterator<Item = &Ident> {
        fn key<T>(option: Option<&Spanned<T>>) -> Option<&Ident> {
            option.map(|spanned| &spanned.key)
        }
        [
            key(self.backoff.as_ref()),
            key(self.delay.as_ref()),
            key(self.max_delay.as_ref()),
            key(self.jitter.as_ref()),
            key(self.retry_if.as_ref()),
            key(self.retry_after.as_ref()),
            key(self.pause_all.as_ref()),
        ]
        .into_iter()
        .flatten()
    }
}
