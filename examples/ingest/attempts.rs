//! What each attempt at a page said.
//!
//! A stage that fails for good has a list of its failed attempts in its error. A page that came in the end has no
//! error, so its attempts are written down with the item as they happen.

use std::fmt::Display;

use pipeline::Context;

/// The attempts at one page, in order.
#[derive(Debug, Clone, Default)]
pub(crate) struct Attempts(Vec<Attempt>);

#[derive(Debug, Clone)]
enum Attempt {
    /// What an attempt stays at when its timeout cuts it off.
    Begun,
    Failed(String),
    Succeeded,
}

impl Attempts {
    /// How many there were.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }

    /// The number of each attempt that failed, counted from 1, and what it said.
    pub(crate) fn failed(&self) -> impl Iterator<Item = (usize, &str)> {
        self.0.iter().zip(1..).filter_map(|(attempt, number)| match attempt {
            Attempt::Begun => Some((number, "no answer in time")),
            Attempt::Failed(said) => Some((number, said.as_str())),
            Attempt::Succeeded => None,
        })
    }
}

/// Writes down that an attempt begins.
pub(crate) fn begin(cx: &Context) {
    let mut attempts = of(cx);
    attempts.0.push(Attempt::Begun);
    cx.extensions().insert(attempts);
}

/// Writes down how the attempt that began last ended.
pub(crate) fn end<T, E: Display>(cx: &Context, outcome: &Result<T, E>) {
    let mut attempts = of(cx);
    if let Some(last) = attempts.0.last_mut() {
        *last = match outcome {
            Ok(_) => Attempt::Succeeded,
            Err(error) => Attempt::Failed(error.to_string()),
        };
    }
    cx.extensions().insert(attempts);
}

/// All attempts at the item so far.
pub(crate) fn of(cx: &Context) -> Attempts {
    cx.extensions().get().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_that_was_cut_off_is_told_from_one_that_failed_and_one_that_did_not() {
        let cx = Context::default();
        begin(&cx);
        begin(&cx);
        end(&cx, &Err::<(), _>("500"));
        begin(&cx);
        end(&cx, &Ok::<_, String>(()));

        let attempts = of(&cx);
        assert_eq!(attempts.count(), 3);
        assert_eq!(attempts.failed().collect::<Vec<_>>(), [(1, "no answer in time"), (2, "500")]);
    }
}
