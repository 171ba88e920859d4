//! The program that expands a macro: rustc, an editor, or a test.

/// The arguments of rustc, if it is rustc. The macros run in its process.
pub(crate) fn arguments() -> Option<Vec<String>> {
    let arguments: Vec<_> = std::env::args().collect();
    (proc_macro::is_available() && is_rustc(&arguments)).then_some(arguments)
}

/// Whether rustc has these arguments. Long ones may be in a file, `@path`.
fn is_rustc(arguments: &[String]) -> bool {
    arguments.iter().any(|argument| argument == "--crate-name" || argument.starts_with('@'))
}
