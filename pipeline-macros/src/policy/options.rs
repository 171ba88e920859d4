//! The one list of options: it drives parsing, messages and docs.

use crate::diagnostics::{list, nearest};

/// One option of `#[stage(...)]`.
pub(crate) struct OptionSpec {
    pub(crate) name: &'static str,
    /// How it is written.
    pub(crate) example: &'static str,
    pub(crate) overridable: bool,
}

const fn spec(name: &'static str, example: &'static str, overridable: bool) -> OptionSpec {
    OptionSpec { name, example, overridable }
}

/// In the order of the docs.
pub(crate) const OPTIONS: [OptionSpec; 21] = [
    spec("name", "name = \"fetch\"", true),
    spec("retries", "retries = 3", true),
    spec("backoff", "backoff = \"exponential\"", true),
    spec("delay", "delay = \"100ms\"", true),
    spec("max_delay", "max_delay = \"30s\"", true),
    spec("jitter", "jitter", true),
    spec("retry_if", "retry_if = is_transient", false),
    spec("retry_after", "retry_after = server_wait", false),
    spec("pause_all", "pause_all", false),
    spec("timeout", "timeout = \"5s\"", true),
    spec("deadline", "deadline = \"30s\"", true),
    spec("concurrency", "concurrency = 8", true),
    spec("rate", "rate = \"100/s\"", true),
    spec("burst", "burst = 10", true),
    spec("in_order", "in_order", true),
    spec("blocking", "blocking", false),
    spec("split_on_failure", "split_on_failure", false),
    spec("split_if", "split_if = is_bad_row", false),
    spec("split_limit", "split_limit = 16", false),
    spec("fallible", "fallible", false),
    spec("crate", "crate = path::to::pipeline", false),
];

/// What other libraries call these.
const SYNONYMS: [(&str, &str); 14] = [
    ("retry", "retries"),
    ("attempts", "retries"),
    ("max_retries", "retries"),
    ("wait", "delay"),
    ("base_delay", "delay"),
    ("min_delay", "delay"),
    ("max_wait", "max_delay"),
    ("max_concurrency", "concurrency"),
    ("parallelism", "concurrency"),
    ("limit", "concurrency"),
    ("rate_limit", "rate"),
    ("ordered", "in_order"),
    ("sequential", "in_order"),
    ("throttle", "rate"),
];

pub(crate) fn find(name: &str) -> Option<&'static OptionSpec> {
    OPTIONS.iter().find(|spec| spec.name == name)
}

/// The error for an unknown option.
pub(crate) fn unknown(name: &str) -> String {
    unknown_among(name, "option", "a stage's options are", OPTIONS.iter().map(|spec| spec.name))
}

/// The options that one use of a stage can override.
pub(crate) fn overridable() -> impl Iterator<Item = &'static str> + Clone {
    OPTIONS.iter().filter(|spec| spec.overridable).map(|spec| spec.name)
}

/// The error for an unknown override.
pub(crate) fn unknown_override(name: &str) -> String {
    unknown_among(name, "policy", "the policies that can be overridden are", overridable())
}

fn unknown_among(
    name: &str,
    what: &str,
    all: &str,
    words: impl Iterator<Item = &'static str> + Clone,
) -> String {
    let synonym = SYNONYMS.iter().find(|(word, _)| *word == name).map(|(_, option)| *option);
    let meant =
        synonym.or_else(|| nearest(name, words.clone())).map(|word| format!(": did you mean `{word}`?"));
    let meant = meant.unwrap_or_default();
    format!("there is no {what} `{name}`{meant}\n{all} {}", list(words, "and"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The README's table is the docs of the options; it and the list stay the same.
    #[test]
    fn the_readme_describes_each_option_in_this_order() {
        let readme = include_str!("../../README.md");
        let described: Vec<_> = readme
            .lines()
            .skip_while(|line| !line.starts_with("| option |"))
            .skip(2)
            .take_while(|line| line.starts_with('|'))
            .filter_map(|line| line.split('`').nth(1))
            .collect();
        let known: Vec<_> = OPTIONS.iter().map(|spec| spec.name).collect();
        assert_eq!(described, known);
    }
}
