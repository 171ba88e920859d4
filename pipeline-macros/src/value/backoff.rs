//! How the delays of a backoff grow.

use crate::diagnostics::{list, nearest};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Growth {
    Fixed,
    Linear,
    Exponential,
}

impl Growth {
    const WORDS: [(&'static str, Self); 3] =
        [("fixed", Self::Fixed), ("linear", Self::Linear), ("exponential", Self::Exponential)];

    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let words = || Self::WORDS.iter().map(|(word, _)| *word);
        match Self::WORDS.iter().find(|(word, _)| *word == text) {
            Some((_, growth)) => Ok(*growth),
            None => {
                let meant = nearest(text, words()).map(|word| format!("did you mean `{word}`? "));
                let meant = meant.unwrap_or_default();
                Err(format!("`{text}` is not a backoff: {meant}expected {}", list(words(), "or")))
            }
        }
    }

    /// The name of the runtime's variant.
    pub(crate) fn variant(self) -> &'static str {
        match self {
            Self::Fixed => "Fixed",
            Self::Linear => "Linear",
            Self::Exponential => "Exponential",
        }
    }
}
