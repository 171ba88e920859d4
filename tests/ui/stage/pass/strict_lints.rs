//! A crate of stages under the strictest lints.
#![deny(warnings, missing_docs, unreachable_pub, missing_copy_implementations)]
#![deny(
    unused_qualifications,
    unused_lifetimes,
    single_use_lifetimes,
    trivial_casts,
    unused_results
)]
#![deny(
    elided_lifetimes_in_paths,
    let_underscore_drop,
    non_ascii_idents,
    redundant_lifetimes,
    unit_bindings
)]
#![deny(
    future_incompatible,
    nonstandard_style,
    rust_2018_idioms,
    rust_2024_compatibility,
    let_underscore
)]
#![deny(clippy::all, clippy::pedantic, clippy::nursery, clippy::cargo)]
#![forbid(unsafe_code)]

use pipeline::{Context, Provide, pipeline};

/// The state.
#[derive(Debug, Provide)]
pub struct App {
    /// How many there may be.
    pub limit: usize,
    /// What to call them.
    pub names: Vec<String>,
}

pub mod stages {
    //! The stages.

    use std::num::ParseIntError;

    use pipeline::{Context, stage};

    /// Parses a number.
    ///
    /// # Errors
    ///
    /// Where it is none.
    #[stage(name = "parse number")]
    pub fn parse(line: &str) -> Result<usize, ParseIntError> {
        line.parse()
    }

    /// Checks it.
    ///
    /// # Errors
    ///
    /// Never.
    #[stage(
        retries = 3,
        backoff = "fixed",
        jitter,
        timeout = "5s",
        deadline = "1m",
        concurrency = 4,
        rate = "1000/s"
    )]
    pub async fn check(x: usize, #[state] limit: &usize) -> Result<usize, std::fmt::Error> {
        tokio::task::yield_now().await;
        Ok(x.min(*limit))
    }

    /// Doubles it, on a thread of its own.
    #[must_use]
    #[stage(blocking, retries = 1, timeout = "1m")]
    pub fn double(x: usize, #[context] context: &Context) -> usize {
        2 * x + context.index()
    }

    /// Names it.
    #[stage]
    pub fn label<T: std::fmt::Display + Send, const WIDTH: usize>(value: T) -> String {
        format!("{value:>WIDTH$}")
    }

    #[stage]
    pub(crate) fn shout(text: &str) -> String {
        text.to_uppercase()
    }
}

#[pipeline::stage]
fn trim(text: &str, #[context] _context: &Context) -> String {
    text.trim().to_owned()
}

fn main() {
    use stages::{check, double, label, parse};

    let nested = pipeline![double.concurrency(2) => label::<_, 8>];
    let labelled = pipeline![
        parse => check.retries(5).timeout("1s") => inspect(|_| {}) => { nested } => trim => stages::shout => |text| text
    ];
    let labelled = labelled.with(App {
        limit: 20,
        names: Vec::new(),
    });
    let text = labelled.run_blocking("42".to_owned()).expect("it is a number");
    assert_eq!(text, "40");
}
