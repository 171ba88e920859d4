//! The runtime crate is built in layers: what it imports lies below.
//!
//! - A room (a folder or a file directly in `pipeline/src`) imports from itself and from the rooms below it in [`ROOMS`].
//! - Names are imported from the module that defines them, not through the crate root. Macros are the exception.
//! - A `mod.rs` and `lib.rs` declare modules and re-export names, and define nothing.
//! - The files of a room do not import each other in a circle, except for those in [`CYCLES`].
//!
//! Code with `#[cfg(test)]` is exempt: tests and their samples may use the whole crate.

mod check;

use std::fmt::Write;

use self::check::{Cycle, Room, violations};
use crate::support::crate_source::{Files, runtime_files};

/// The rooms of `pipeline/src` and what each is for, from bottom to top.
const ROOMS: [Room; 15] = [
    ("error", "what a failure says: its stage, kind, attempts and causes"),
    ("report", "the counts of a run, and how they add up"),
    ("dead_letters", "where failed items go"),
    ("run", "one run: its items, settings, cancellation and observers"),
    ("call", "one way to call a step"),
    ("stage", "the contract of a stage, its edges, and the values that can be one"),
    ("policy", "retries, timeouts, limits: one file per policy"),
    ("chain", "steps one after another"),
    ("fork", "steps side by side, alternatives, routes and graphs"),
    ("engine", "takes items through stages, one or many"),
    ("graph", "the picture of a pipeline"),
    ("pipeline", "the value that `pipeline!` gives: settings, verbs, boxed form"),
    ("guide", "guides, which are documentation only"),
    ("private", "what the macros call"),
    ("lib", "what users can name"),
];

/// The files of a room that import each other in a circle, and why they may.
const CYCLES: [Cycle; 1] = [(
    "run",
    &["context", "item", "observer", "settings", "shared", "stage_call"],
    "a run notifies the observers in its settings, and an observer is shown the call, its context and its item",
)];

#[test]
fn the_runtime_imports_downwards() {
    let found = violations(&runtime_files(), &ROOMS, &CYCLES);
    assert!(found.is_empty(), "\n{}\n\nThe rooms, from bottom to top:\n{}", found.join("\n"), rooms());
}

fn rooms() -> String {
    ROOMS.iter().fold(String::new(), |mut text, (name, purpose)| {
        let _ = writeln!(text, "  {name:14}{purpose}");
        text
    })
}

/// The violations in a crate of the rooms `low`, `middle` and `high`, of which `middle` is a folder with the files `mod`, `a`
/// and `b`. Each file has the text that is given, or else none.
fn violations_in(texts: &[(&str, &str)]) -> Vec<String> {
    violations_with(texts, &[])
}

fn violations_with(texts: &[(&str, &str)], cycles: &[Cycle]) -> Vec<String> {
    let rooms = [("low", ""), ("middle", ""), ("high", ""), ("lib", "")];
    let mut files = Files::from(
        [
            ("lib.rs", "mod high;\nmod low;\nmod middle;\n"),
            ("low.rs", ""),
            ("middle/mod.rs", "mod a;\nmod b;\n"),
            ("middle/a.rs", ""),
            ("middle/b.rs", ""),
            ("high.rs", ""),
        ]
        .map(|(file, text)| (format!("pipeline/src/{file}"), text.to_owned())),
    );
    for (file, text) in texts {
        files.insert(format!("pipeline/src/{file}"), (*text).to_owned());
    }
    violations(&files, &rooms, cycles)
}

#[test]
fn imports_of_the_same_room_or_one_below_are_allowed() {
    let a = "use super::b::Name;\nuse crate::low::{self, Other};\nuse std::fmt;\n";
    let high =
        "use crate::middle::a::{One, Two as Three};\nuse super::low::*;\nfn f() { crate::low::g::<u8>() }";
    assert_eq!(violations_in(&[("middle/a.rs", a), ("high.rs", high)]), [""; 0]);
}

#[test]
fn an_import_from_a_room_above_is_reported_with_its_line() {
    let expected =
        "pipeline/src/low.rs:2 imports `middle::a::Name`, but `middle` is above `low`: imports point down";
    assert_eq!(violations_in(&[("low.rs", "\nuse crate::middle::a::Name;")]), [expected]);
    assert_eq!(violations_in(&[("low.rs", "\nuse super::middle::a::Name;")]), [expected]);
    assert_eq!(violations_in(&[("low.rs", "\nfn f(x: crate::middle::a::Name) {}")]), [expected]);
    assert_eq!(violations_in(&[("low.rs", "\nuse crate::{high::{}, middle::{a::Name}};")]), [expected]);
    let inline = "mod inner {\nuse super::super::middle::a::Name; }";
    assert_eq!(violations_in(&[("low.rs", inline)]), [expected]);
    let macro_body = "macro_rules! m { () => {\n$crate::middle::a::Name } }";
    assert_eq!(violations_in(&[("low.rs", macro_body)]), [expected]);
    let from_a_folder = "use super::super::high::Name;";
    let expected =
        "pipeline/src/middle/a.rs:1 imports `high::Name`, but `high` is above `middle`: imports point down";
    assert_eq!(violations_in(&[("middle/a.rs", from_a_folder)]), [expected]);
}

#[test]
fn comments_texts_and_tests_are_not_imports() {
    let low = r#"
        //! [`Name`](crate::middle::a::Name)
        // crate::middle::a::Name
        /// [`Name`](crate::middle::a::Name)
        const TEXT: &str = "crate::middle::a::Name";
        #[cfg(test)]
        use crate::middle::a::Name;
        #[cfg(test)]
        fn sample() -> crate::middle::a::Name {}
        #[cfg(test)]
        mod tests { use crate::{Name, middle::b}; }
    "#;
    assert_eq!(violations_in(&[("low.rs", low)]), [""; 0]);
    let declared = [("middle/mod.rs", "mod a; mod b; #[cfg(test)] mod samples;")];
    let samples = [("middle/samples.rs", "use crate::high::Name;")];
    assert_eq!(violations_in(&[declared, samples].concat()), [""; 0]);
}

#[test]
fn a_name_that_comes_through_the_crate_root_is_reported() {
    let expected =
        "pipeline/src/high.rs:1 imports `Name` through the crate root: name the module that defines it";
    assert_eq!(violations_in(&[("high.rs", "use crate::Name;")]), [expected]);
    assert_eq!(violations_in(&[("high.rs", "use super::Name;")]), [expected]);
    assert_eq!(violations_in(&[("high.rs", "use crate::{low::Other, Name as Alias};")]), [expected]);
    assert_eq!(violations_in(&[("high.rs", "fn f() { crate::Name::new() }")]), [expected]);
    let all = "pipeline/src/high.rs:1 imports `*` through the crate root: name the module that defines it";
    assert_eq!(violations_in(&[("high.rs", "use crate::*;")]), [all]);
}

#[test]
fn macros_come_through_the_crate_root() {
    let lib = ("lib.rs", "mod high; mod low; mod middle; pub use pipeline_macros::stage;");
    let low = ("low.rs", "#[macro_export] macro_rules! list { () => {} }");
    let high = ("high.rs", "use crate::{list, stage}; fn f() { crate::other!() }");
    assert_eq!(violations_in(&[lib, low, high]), [""; 0]);
}

#[test]
fn a_definition_in_a_mod_file_is_reported() {
    let declares = "mod a; mod b; pub use a::Name; pub mod text {} #[cfg(test)] mod tests { fn f() {} }";
    assert_eq!(violations_in(&[("middle/mod.rs", declares)]), [""; 0]);
    let rule = "a `mod.rs` declares modules and re-exports names, and defines nothing";
    for (definition, what) in [
        ("fn f() {}", "a function"),
        ("struct S;", "a type"),
        ("impl S {}", "an impl"),
        ("trait T {}", "a trait"),
        ("const C: u8 = 1;", "a constant"),
        ("macro_rules! m { () => {} }", "a macro"),
        ("mod inner { enum E {} }", "a type"),
    ] {
        let found = violations_in(&[("middle/mod.rs", &format!("mod a; mod b;\n{definition}"))]);
        assert_eq!(found, [format!("pipeline/src/middle/mod.rs:2 defines {what}: {rule}")]);
    }
    let lib = "mod high; mod low; mod middle;\nfn f() {} #[cfg(doctest)] struct Readme;";
    let expected = "pipeline/src/lib.rs:2 defines a function: `lib.rs` declares modules and re-exports names, and defines nothing";
    assert_eq!(violations_in(&[("lib.rs", lib)]), [expected]);
}

#[test]
fn files_that_import_each_other_are_reported() {
    let texts = [("middle/a.rs", "use super::b::B;"), ("middle/b.rs", "\nuse crate::middle::a::A;")];
    let expected = "the files of `middle` import each other in a circle: pipeline/src/middle/a.rs:1 imports `b`, \
                    pipeline/src/middle/b.rs:2 imports `a`; the circle as a whole: a, b";
    assert_eq!(violations_in(&texts), [expected]);
    assert_eq!(violations_with(&texts, &[("middle", &["a", "b"], "reason")]), [""; 0]);
    let through_the_mod_file =
        [("middle/mod.rs", "mod a; mod b; pub use a::A; pub use b::B;"), ("middle/a.rs", "use super::B;")];
    let expected = "the files of `middle` import each other in a circle: pipeline/src/middle/a.rs:1 imports `mod`, \
                    pipeline/src/middle/mod.rs:1 imports `a`; the circle as a whole: a, mod";
    assert_eq!(violations_in(&through_the_mod_file), [expected]);
}

#[test]
fn a_listed_cycle_that_is_gone_is_reported() {
    let expected =
        "the files of `middle` no longer import each other in this circle: a, b; take it off the list";
    assert_eq!(violations_with(&[], &[("middle", &["a", "b"], "reason")]), [expected]);
}

#[test]
fn rooms_and_table_agree() {
    let lib = ("lib.rs", "mod high; mod low; mod middle; mod extra;");
    let expected = "`extra` is not in the table of rooms: add it with its purpose where it belongs";
    assert_eq!(violations_in(&[lib, ("extra.rs", "use crate::high::Name;")]), [expected]);
    let expected = [
        "`high` is in the table of rooms, but not in pipeline/src",
        "pipeline/src/high.rs is not declared by any module",
    ];
    assert_eq!(violations_in(&[("lib.rs", "mod low; mod middle;")]), expected);
}

#[test]
fn a_file_that_no_module_declares_is_reported() {
    let expected = "pipeline/src/middle/c.rs is not declared by any module";
    assert_eq!(violations_in(&[("middle/c.rs", "")]), [expected]);
}
