//! Compile errors, as users see them: one mistake, one error, at the place where it is made, in words that say what to
//! do about it.
//!
//! The cases are programs under `ui`, each with one mistake and named after it; the error that rustc makes of it stands
//! beside it. `TRYBUILD=overwrite cargo test -p tests ui::` writes them anew.

use std::fs;
use std::path::{Path, PathBuf};

use trybuild::TestCases;

#[test]
#[cfg(all(feature = "rate", feature = "serde"))]
fn each_mistake_gives_its_error_and_correct_code_compiles() {
    let cases = TestCases::new();
    cases.compile_fail("ui/stage/fail/*.rs");
    cases.compile_fail("ui/chain/fail/*.rs");
    cases.compile_fail("ui/fork/fail/*.rs");
    cases.pass("ui/stage/pass/*.rs");
    cases.pass("ui/chain/pass/*.rs");
    cases.pass("ui/fork/pass/*.rs");
}

#[test]
#[cfg(not(feature = "rate"))]
fn a_rate_without_its_feature_names_the_feature() {
    let cases = TestCases::new();
    cases.compile_fail("ui/no_rate/fail/*.rs");
}

/// The cases with another number of errors than one, and why. A case that is mended leaves this list.
const NOT_ONE_ERROR: [(&str, usize); 10] = [
    // The bound is met by the impl that matches, so what comes out is known, and the pipeline is reported too.
    ("chain/fail/bound_of_a_generic_stage_not_met", 2),
    // Neither `Send` nor `Sync`.
    ("chain/fail/closure_that_captures_what_is_not_send", 2),
    ("chain/fail/type_argument_that_does_not_fit", 2),
    // A stage where only functions are called, which gives a future besides.
    ("fork/fail/call_within_a_call", 2),
    ("fork/fail/graph_whose_input_has_no_type", 2),
    // A copy for each attempt, and one beside the other branch.
    ("fork/fail/override_of_retries_in_a_branch_of_what_is_not_clone", 2),
    // At the parameter, and at the `.run()`.
    ("stage/fail/input_not_send", 2),
    // Two types of one name.
    ("stage/fail/module_of_the_same_name", 5),
    ("stage/fail/two_mistakes_in_one_attribute", 2),
    ("stage/fail/two_options_about_retries_without_them", 2),
];

/// The errors that show names of the machinery.
const INTERNAL_NAMES: [&str; 1] = ["stage/fail/module_of_the_same_name"];

/// The errors with their caret on a whole macro. Where nothing is in it there is no better place; the rest is to be
/// mended.
const WHOLE_MACROS: [&str; 3] = [
    "chain/fail/bound_of_a_generic_stage_not_met",
    "chain/fail/pipeline_empty",
    "chain/fail/type_argument_that_does_not_fit",
];

#[test]
fn one_mistake_is_one_error() {
    let told = errors().map(|(case, text)| (case, text.lines().filter(|line| is_an_error(line)).count()));
    let found: Vec<_> = told.filter(|(_, errors)| *errors != 1).collect();
    let found: Vec<_> = found.iter().map(|(case, errors)| (case.as_str(), *errors)).collect();
    assert_eq!(found, NOT_ONE_ERROR);
}

#[test]
fn no_error_shows_an_internal_name() {
    let shows = |text: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(is_internal);
    let found: Vec<_> = errors().filter(|(_, text)| shows(text)).map(|(case, _)| case).collect();
    assert_eq!(found, INTERNAL_NAMES);
}

#[test]
fn no_error_points_at_a_whole_macro_where_it_could_point_at_a_word() {
    let whole = errors().filter(|(_, text)| text.contains("this error originates in"));
    let found: Vec<_> = whole.map(|(case, _)| case).collect();
    assert_eq!(found, WHOLE_MACROS);
}

#[test]
fn each_case_has_an_error_and_there_are_many() {
    let cases: Vec<_> = files("rs").into_iter().map(|path| name(&path)).collect();
    let errors: Vec<_> = files("stderr").into_iter().map(|path| name(&path)).collect();
    assert_eq!(cases, errors, "a case and its `.stderr` belong together");
    assert!(cases.len() >= 60, "there are {} cases left", cases.len());
}

fn is_an_error(line: &str) -> bool {
    line.starts_with("error") && !line.contains("aborting due to") && !line.contains("could not compile")
}

/// Names of the machinery. (Of `pipeline`'s public names `Accepts`, `Stage`, `Chain` and their like may show.)
fn is_internal(word: &str) -> bool {
    let machinery = [
        "Attempts", "EdgeType", "Embed", "EmbedAny", "Function", "Keep", "Kept", "Policy", "Repeat",
        "Strategy", "Token",
    ];
    // Underscores alone are lines that rustc draws.
    let hidden = word.starts_with("__") && !word.trim_matches('_').is_empty();
    hidden || machinery.contains(&word)
}

/// The name of each failing case, and its error.
fn errors() -> impl Iterator<Item = (String, String)> {
    files("stderr").into_iter().map(|path| {
        let text = fs::read_to_string(&path).expect("a `.stderr` can be read");
        (name(&path), text)
    })
}

fn files(extension: &str) -> Vec<PathBuf> {
    let fail = ["stage/fail", "chain/fail", "fork/fail", "no_rate/fail"].map(|folder| root().join(folder));
    let entries = fail.iter().flat_map(|folder| fs::read_dir(folder).expect("the folder is there"));
    let paths = entries.map(|entry| entry.expect("the folder can be read").path());
    let mut files: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|found| found == extension)).collect();
    files.sort();
    files
}

/// `stage/fail/retries_negative`.
fn name(path: &Path) -> String {
    let case = path.strip_prefix(root()).expect("all cases are under `ui`").with_extension("");
    case.to_string_lossy().into_owned()
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("ui")
}
