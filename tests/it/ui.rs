//! Compile errors, as users see them: one mistake, one error, at the place where it is made, in words that say what to
//! do about it.
//!
//! The cases are programs under `ui`, each with one mistake and named after it; the error that rustc makes of it stands
//! beside it. `TRYBUILD=overwrite cargo test -p tests ui::` writes them anew.

use std::fs;
use std::path::{Path, PathBuf};

use trybuild::TestCases;

#[test]
#[cfg(feature = "rate")]
fn each_mistake_gets_its_error_and_what_is_right_compiles() {
    let cases = TestCases::new();
    cases.compile_fail("ui/stage/fail/*.rs");
    cases.compile_fail("ui/chain/fail/*.rs");
    cases.pass("ui/stage/pass/*.rs");
    cases.pass("ui/chain/pass/*.rs");
}

#[test]
#[cfg(not(feature = "rate"))]
fn a_rate_without_its_feature_says_which_feature_that_is() {
    let cases = TestCases::new();
    cases.compile_fail("ui/no_rate/fail/*.rs");
}

/// The cases with another number of errors than one. Two mistakes are two errors, and rustc may add one of its own;
/// the rest is to be mended, and leaves this list then.
const NOT_ONE_ERROR: [(&str, usize); 19] = [
    ("chain/fail/bound_of_a_generic_stage_not_met", 2),
    ("chain/fail/closure_that_captures_what_is_not_send", 2),
    ("chain/fail/method_in_place_of_a_stage", 2),
    ("chain/fail/module_not_in_scope", 2),
    ("chain/fail/name_misspelt_in_a_module", 2),
    ("chain/fail/name_of_a_private_stage", 2),
    ("chain/fail/type_argument_that_does_not_fit", 2),
    ("chain/fail/type_in_place_of_a_stage", 2),
    ("chain/fail/type_of_ones_own_in_place_of_a_stage", 2),
    ("stage/fail/associated_function", 5),
    ("stage/fail/error_boxed_without_send", 3),
    ("stage/fail/free_function_with_self", 2),
    ("stage/fail/input_not_send", 6),
    ("stage/fail/method_with_self", 4),
    ("stage/fail/module_of_the_same_name", 4),
    ("stage/fail/result_of_ones_own", 5),
    ("stage/fail/state_and_context_on_one_parameter", 2),
    ("stage/fail/two_mistakes_in_one_attribute", 2),
    ("stage/fail/two_options_about_retries_without_them", 2),
];

/// The errors that show names of the machinery: all to be mended.
const INTERNAL_NAMES: [&str; 8] = [
    "chain/fail/name_not_imported",
    "chain/fail/name_of_a_private_stage",
    "chain/fail/state_lacks_one_resource_of_an_overridden_stage",
    "chain/fail/type_in_place_of_a_stage",
    "chain/fail/type_of_ones_own_in_place_of_a_stage",
    "stage/fail/input_not_send",
    "stage/fail/module_of_the_same_name",
    "stage/fail/result_of_ones_own",
];

/// The errors with their caret on a whole macro. Where nothing is in it there is no better place; the rest is to be
/// mended.
const WHOLE_MACROS: [&str; 12] = [
    "chain/fail/bound_of_a_generic_stage_not_met",
    "chain/fail/closure_without_a_body",
    "chain/fail/name_misspelt_in_a_module",
    "chain/fail/pipeline_empty",
    "chain/fail/pipeline_of_an_input_type_alone",
    "chain/fail/too_many_type_arguments",
    "chain/fail/type_argument_that_does_not_fit",
    "stage/fail/associated_function",
    "stage/fail/context_of_another_type",
    "stage/fail/input_not_send",
    "stage/fail/method_with_self",
    "stage/fail/module_of_the_same_name",
];

#[test]
fn one_mistake_is_one_error() {
    let told = errors().map(|(case, text)| (case, text.lines().filter(|line| is_an_error(line)).count()));
    let found: Vec<_> = told.filter(|(_, errors)| *errors != 1).collect();
    let found: Vec<_> = found.iter().map(|(case, errors)| (case.as_str(), *errors)).collect();
    assert_eq!(found, NOT_ONE_ERROR);
}

#[test]
fn no_error_shows_what_users_cannot_name() {
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
        "not_a_stage",
        "Attempts",
        "Embed",
        "EmbedAny",
        "Function",
        "Keep",
        "Kept",
        "Moved",
        "Once",
        "Outcome",
        "Overridden",
        "Port",
        "Repeat",
        "Repeated",
        "Spec",
        "Token",
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
    let fail = ["stage/fail", "chain/fail", "no_rate/fail"].map(|folder| root().join(folder));
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
