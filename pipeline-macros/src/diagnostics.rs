//! Errors, which are collected and reported together.

use proc_macro2::TokenStream;
use quote::ToTokens;

/// The errors found so far.
#[derive(Default)]
pub(crate) struct Diagnostics {
    errors: Option<syn::Error>,
}

impl Diagnostics {
    /// An error with its caret on these tokens.
    pub(crate) fn error(&mut self, at: impl ToTokens, message: impl std::fmt::Display) {
        self.push(syn::Error::new_spanned(at, message));
    }

    pub(crate) fn push(&mut self, error: syn::Error) {
        match &mut self.errors {
            Some(errors) => errors.combine(error),
            None => self.errors = Some(error),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.errors.is_none()
    }

    /// The errors as `compile_error!` calls.
    pub(crate) fn into_errors(self) -> impl Iterator<Item = TokenStream> {
        self.errors.into_iter().flatten().map(syn::Error::into_compile_error)
    }
}

/// The nearest candidate, if it is near enough that the word may be a typo.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    let scored = candidates.into_iter().map(|candidate| {
        let distance = strsim::damerau_levenshtein(&word, candidate);
        // A prefix of a candidate, or the reverse, counts as one edit.
        let part = word.len() > 2 && (candidate.starts_with(&word) || word.starts_with(candidate));
        (if part { distance.min(1) } else { distance }, candidate)
    });
    let (distance, candidate) = scored.min_by_key(|(distance, _)| *distance)?;
    (distance <= 1 + candidate.len() / 4).then_some(candidate)
}

/// "`a`, `b` and `c`".
pub(crate) fn list<'a>(words: impl IntoIterator<Item = &'a str>, last: &str) -> String {
    let mut words: Vec<_> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.pop() {
        Some(end) if words.is_empty() => end,
        Some(end) => format!("{} {last} {end}", words.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typo_is_recognised_and_another_word_is_not() {
        let options = ["retries", "retry_if", "timeout", "delay"];
        assert_eq!(nearest("retrys", options), Some("retries"));
        assert_eq!(nearest("retry", options), Some("retry_if"));
        assert_eq!(nearest("timout", options), Some("timeout"));
        assert_eq!(nearest("Timeout", options), Some("timeout"));
        assert_eq!(nearest("colour", options), None);
    }
}
