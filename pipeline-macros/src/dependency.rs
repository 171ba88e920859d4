//! Whether `::pipeline` is there: without it each line of the generated code would be an error.

use std::sync::OnceLock;

use crate::compiler;

/// What to say if the crate that calls a macro does not depend on `pipeline`, and does not say where else it is.
///
/// The macros run in the compiler, whose arguments name the crates that it was given.
pub(crate) fn missing(example: &str) -> Option<String> {
    static IS_MISSING: OnceLock<bool> = OnceLock::new();
    let is_missing =
        *IS_MISSING.get_or_init(|| compiler::arguments().is_some_and(|arguments| is_missing(&arguments)));
    is_missing.then(|| {
        format!(
            "this crate does not depend on `pipeline` itself: add `checked-pipeline` to its `Cargo.toml`, or say where \
             `pipeline` is, `{example}`"
        )
    })
}

/// Whether these are the arguments of a compiler that certainly does not know the name `pipeline`.
fn is_missing(arguments: &[String]) -> bool {
    let values = |name: &str| {
        let next = arguments.iter().zip(arguments.iter().skip(1));
        let apart = next.filter_map(move |(key, value)| (key == name).then_some(value.as_str()));
        let joined =
            arguments.iter().filter_map(move |argument| argument.strip_prefix(name)?.strip_prefix('='));
        apart.chain(joined).map(str::to_owned).collect::<Vec<_>>()
    };
    let name_of_extern = |value: &String| {
        let name = value.split('=').next().unwrap_or_default();
        name.rsplit(':').next() == Some("pipeline")
    };
    let own_names = values("--crate-name");
    // Arguments in a file are not read.
    let are_known = !arguments.iter().any(|argument| argument.starts_with('@'));
    are_known
        && !own_names.iter().any(|name| name == "pipeline")
        && !values("--extern").iter().any(name_of_extern)
        && !arguments.iter().any(|argument| renames_a_crate(argument))
}

/// Whether this is the crate's root, and says `extern crate … as pipeline;`.
fn renames_a_crate(argument: &str) -> bool {
    let is_root = std::path::Path::new(argument).extension().is_some_and(|extension| extension == "rs");
    is_root && std::fs::read_to_string(argument).is_ok_and(|text| text.contains("as pipeline;"))
}

#[cfg(test)]
mod tests {
    use super::is_missing;

    fn missing(arguments: &str) -> bool {
        is_missing(&arguments.split(' ').map(str::to_owned).collect::<Vec<_>>())
    }

    #[test]
    fn a_compiler_that_was_given_the_crate_knows_it() {
        let compiler = "rustc --crate-name app --edition=2024 src/main.rs";
        assert!(missing(&format!("{compiler} --extern facade=/target/libfacade.rmeta")));
        assert!(missing(&format!("{compiler} --extern pl=/target/libpipeline.rmeta")));
        assert!(!missing(&format!("{compiler} --extern serde --extern pipeline=/target/libpipeline.rmeta")));
        assert!(!missing(&format!("{compiler} --extern=pipeline=/target/libpipeline.rmeta")));
        assert!(!missing(&format!("{compiler} --extern priv:pipeline=/target/libpipeline.rmeta")));
        assert!(!missing(&format!("{compiler} --extern pipeline")));
    }

    #[test]
    fn what_may_know_it_is_not_refused() {
        assert!(!missing("rustc --crate-name pipeline src/lib.rs"));
        assert!(!missing("rustc @arguments --crate-name app"));
    }
}
