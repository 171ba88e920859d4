//! Branches, alternatives, routes and graphs under the strictest lints.
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

use pipeline::pipeline;

/// What happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// So many cents were paid.
    Paid(u32),
    /// A reason was given.
    Refunded(String),
    /// Nothing more comes.
    Closed,
}

/// What comes of it.
#[derive(Debug)]
pub struct Page {
    /// What stands on it.
    pub text: String,
    /// How long that is.
    pub length: usize,
}

pub mod stages {
    //! The stages.

    use std::num::ParseIntError;

    use pipeline::stage;

    use crate::Event;

    /// Parses a number.
    ///
    /// # Errors
    ///
    /// Where it is none.
    #[stage]
    pub async fn parse(line: &str) -> Result<u32, ParseIntError> {
        tokio::task::yield_now().await;
        line.parse()
    }

    /// Parses a number, whatever stands around it.
    ///
    /// # Errors
    ///
    /// Where it is none.
    #[stage(retries = 1, timeout = "1s")]
    pub async fn parse_trimmed(line: String) -> Result<u32, ParseIntError> {
        tokio::task::yield_now().await;
        line.trim().parse()
    }

    /// Counts.
    #[stage]
    pub fn length(line: &str) -> usize {
        line.len()
    }

    /// Makes it an event.
    #[must_use]
    #[stage]
    pub fn event(cents: u32, length: usize) -> Event {
        if length > 1 { Event::Paid(cents) } else { Event::Closed }
    }

    /// Says what happened.
    #[must_use]
    #[stage]
    pub fn paid(cents: u32) -> String {
        format!("{cents} paid")
    }

    /// Says what happened.
    #[stage]
    pub fn refunded(reason: &str) -> String {
        format!("refunded: {reason}")
    }
}

fn main() {
    use stages::{event, length, paid, parse, parse_trimmed, refunded};

    let both = pipeline![(parse.retries(2) => |x| x + 1, length)];
    let number = pipeline![(parse | parse_trimmed.timeout("2s") | length => |_| 0)];
    let told = pipeline![match {
        Event::Paid(cents) if cents > 100 => cents => paid,
        Event::Paid(_) => "little".to_owned() => refunded => |text| text,
        Event::Refunded(reason) => reason => refunded,
        Event::Closed => () => |()| String::new(),
    }];
    let least = 1_usize;
    let page = pipeline!(|line: String| {
        let cents = parse(line);
        let more = { number }(line);
        let size = length(line);
        let happened = event(cents + more, *size.max(&least));
        let text = { told }(happened);
        let _ = refunded("for the effect");
        parse_trimmed.retries(3)(line);
        Page { text, length: size }
    });
    let page = pipeline![|line: &str| line.to_owned() => (|line: String| { let page = { page }(line); page }) => inspect(|_| {})];

    let page = page.run_blocking("142").expect("it is a number");
    assert_eq!((page.text.as_str(), page.length), ("284 paid", 3));
    let pair = both.run_blocking("42".to_owned()).expect("it is a number");
    assert_eq!(pair, (43, 2));
}
