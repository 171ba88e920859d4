//! Which module may import which: only those above it in this table.

use std::fs;
use std::path::{Path, PathBuf};

/// The files of each folder, from the bottom to the top of the crate. A file imports only from files before it.
const LAYERS: [(&str, &[&str]); 13] = [
    (
        "",
        &[
            "arity.rs",
            "codegen.rs",
            "compiler.rs",
            "crate_path.rs",
            "dependency.rs",
            "diagnostics.rs",
            "fragments.rs",
            "nesting.rs",
            "outer_names.rs",
        ],
    ),
    ("value/", &["duration.rs", "backoff.rs", "rate.rs", "mod.rs"]),
    ("policy/", &["model.rs", "options.rs", "parse.rs", "check.rs", "expand.rs", "mod.rs"]),
    // #[derive(Provide)]
    ("", &["provide.rs"]),
    // #[stage]
    ("stage/", &["surroundings.rs", "types.rs", "parse.rs", "passing.rs", "model.rs", "check.rs"]),
    (
        "stage/expand/",
        &["generics.rs", "step_call.rs", "call_impls.rs", "fork_impls.rs", "fallback.rs", "mod.rs"],
    ),
    ("stage/", &["mod.rs"]),
    // pipeline!
    ("chain/", &["dataflow.rs", "free_variables.rs", "model.rs"]),
    (
        "chain/parse/",
        &[
            "stage.rs",
            "boundary.rs",
            "graph/statement.rs",
            "graph/scope.rs",
            "graph/reader.rs",
            "graph/mod.rs",
            "closure.rs",
            "steps.rs",
            "mod.rs",
        ],
    ),
    (
        "chain/expand/graph_codegen/",
        &[
            "schedule.rs",
            "names.rs",
            "generator.rs",
            "calls.rs",
            "non_series_parallel.rs",
            "body.rs",
            "items.rs",
            "mod.rs",
        ],
    ),
    (
        "chain/expand/",
        &[
            "common.rs",
            "resolve.rs",
            "leaf.rs",
            "sharing.rs",
            "fork.rs",
            "route.rs",
            "graph_checks.rs",
            "steps.rs",
            "mod.rs",
        ],
    ),
    ("chain/", &["half_written.rs", "mod.rs"]),
    ("", &["expansions.rs", "fuzz.rs", "layers.rs", "lib.rs"]),
];

#[test]
fn imports_point_down() {
    let layers = layers();
    let mut violations = Vec::new();
    for (layer, file) in layers.iter().enumerate() {
        let source = fs::read_to_string(sources().join(file)).expect(file);
        for (line, path) in imports(&source, file) {
            let imported = resolve(&path, &layers);
            if layers.iter().position(|file| *file == imported).is_some_and(|imported| imported > layer) {
                violations.push(format!(
                    "`{file}:{line}` imports `{imported}`, which is above it: imports point down"
                ));
            }
        }
    }
    assert!(violations.is_empty(), "{}", violations.join("\n"));
}

#[test]
fn each_file_has_its_layer() {
    let mut files = Vec::new();
    collect(&sources(), "", &mut files);
    let mut layers = layers();
    files.sort_unstable();
    layers.sort_unstable();
    assert_eq!(files, layers, "`LAYERS` lists each file once");
}

#[test]
fn imports_are_found_and_resolved() {
    let source = [
        "crate::{diagnostics::{list, nearest}, policy::{self, Policy}}",
        "// use crate::chain;",
        "mod scope;",
        "super::stage::value()",
        "#[cfg(test)]",
        "mod tests {",
        "super::*",
    ];
    let source = source.join("\n");
    let found = imports(&source, "chain/parse/graph/mod.rs");
    let resolved: Vec<_> = found.iter().map(|(line, path)| (*line, resolve(path, &layers()))).collect();
    let expected = [
        (1, "diagnostics.rs"),
        (1, "diagnostics.rs"),
        (1, "policy/mod.rs"),
        (1, "policy/mod.rs"),
        (4, "chain/parse/stage.rs"),
        (3, "chain/parse/graph/scope.rs"),
    ];
    assert_eq!(resolved, expected.map(|(line, file)| (line, file.to_owned())));
}

fn layers() -> Vec<String> {
    let files =
        LAYERS.iter().flat_map(|(folder, files)| files.iter().map(move |file| format!("{folder}{file}")));
    files.collect()
}

fn sources() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// The source files in a folder, named as in `LAYERS`.
fn collect(folder: &Path, prefix: &str, files: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry of the folder").path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_dir() {
            collect(&path, &format!("{prefix}{name}/"), files);
        } else if name.ends_with(".rs") {
            files.push(format!("{prefix}{name}"));
        }
    }
}

/// The paths of a file that start with `crate`, `super` or `self`, and those of the modules that it declares. Each comes
/// with its line, and starts at the root of the crate.
fn imports(source: &str, file: &str) -> Vec<(usize, Vec<String>)> {
    // Tests may import anything; `super` is the file itself there.
    let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let without_comments: Vec<_> =
        source.lines().map(|line| line.split("//").next().unwrap_or_default()).collect();
    let source = without_comments.join("\n");
    let module = module_of(file);
    let parent = &module[..module.len().saturating_sub(1)];
    let mut imports = Vec::new();
    for (start, root) in [("crate::", &[][..]), ("super::", parent), ("self::", &module[..])] {
        for (at, _) in source.match_indices(start) {
            // Not within a longer path, and not in a string.
            let is_start = !source[..at].ends_with(|c: char| c.is_alphanumeric() || "_$:\"".contains(c));
            if is_start {
                let line = source[..at].matches('\n').count() + 1;
                let mut paths = Vec::new();
                use_tree(&mut source[at + start.len()..].trim_start(), root.to_vec(), &mut paths);
                imports.extend(paths.into_iter().map(|path| (line, path)));
            }
        }
    }
    for (index, line) in source.lines().enumerate() {
        if let Some(name) = line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) {
            imports.push((index + 1, [&module[..], &[name.to_owned()]].concat()));
        }
    }
    imports
}

/// The paths of `a::{b, c::d}`.
fn use_tree(rest: &mut &str, mut path: Vec<String>, paths: &mut Vec<Vec<String>>) {
    loop {
        if let Some(list) = rest.strip_prefix('{') {
            *rest = list.trim_start();
            while !rest.is_empty() && !rest.starts_with('}') {
                use_tree(rest, path.clone(), paths);
                *rest = rest.trim_start_matches(|c: char| c != ',' && c != '}').trim_start_matches(',');
                *rest = rest.trim_start();
            }
            *rest = rest.strip_prefix('}').unwrap_or(rest);
            return;
        }
        let end = rest.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(rest.len());
        path.push(rest[..end].to_owned());
        *rest = &rest[end..];
        match rest.strip_prefix("::") {
            Some(after) => *rest = after,
            None => return paths.push(path),
        }
    }
}

/// The file of the longest part of a path that is a module.
fn resolve(path: &[String], layers: &[String]) -> String {
    let prefixes = (1..=path.len()).rev().map(|length| path[..length].join("/"));
    let mut files = prefixes.flat_map(|module| [format!("{module}.rs"), format!("{module}/mod.rs")]);
    files.find(|file| layers.contains(file)).unwrap_or_else(|| "lib.rs".to_owned())
}

/// The path of the module that is in a file.
fn module_of(file: &str) -> Vec<String> {
    let module = file.trim_end_matches("lib.rs").trim_end_matches("mod.rs").trim_end_matches(".rs");
    module.split('/').filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
}
