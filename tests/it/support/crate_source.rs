//! The runtime crate as its sources have it: its modules, and the items in each.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

use syn::{Attribute, Expr, ExprLit, Item, ItemMod, Lit, Meta};

/// The text of each file, by its path in the workspace: `pipeline/src/run/item.rs`.
pub(crate) type Files = BTreeMap<String, String>;

const ROOT: &str = "pipeline/src/";

/// The sources of the runtime crate.
pub(crate) fn runtime_files() -> Files {
    let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the tests are in the workspace");
    let mut files = Files::new();
    read_folder(workspace, &workspace.join(ROOT), &mut files);
    files
}

fn read_folder(workspace: &Path, folder: &Path, files: &mut Files) {
    for entry in fs::read_dir(folder).expect("the folder can be read") {
        let path = entry.expect("the folder can be read").path();
        if path.is_dir() {
            read_folder(workspace, &path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(workspace).expect("the folder is in the workspace");
            let name = name.to_string_lossy().replace('\\', "/");
            files.insert(name, fs::read_to_string(&path).expect("a source can be read"));
        }
    }
}

/// A module, in a file of its own or inline.
pub(crate) struct Module {
    /// `["run", "item"]`; empty for the root of the crate.
    pub(crate) path: Vec<String>,
    pub(crate) file: String,
    pub(crate) items: Vec<Item>,
    /// The attributes of its declaration and of those around it.
    pub(crate) attrs: Vec<Attribute>,
}

/// All modules that the root declares, and those that these declare in turn.
pub(crate) struct CrateSource {
    pub(crate) modules: Vec<Module>,
}

impl CrateSource {
    /// # Panics
    ///
    /// If a file is not Rust, or a module has no file.
    pub(crate) fn parse(files: &Files) -> Self {
        let mut source = Self { modules: Vec::new() };
        let items = parse_file(files, &format!("{ROOT}lib.rs"));
        source.add(files, Vec::new(), format!("{ROOT}lib.rs"), items, Vec::new());
        source
    }

    fn add(
        &mut self,
        files: &Files,
        path: Vec<String>,
        file: String,
        items: Vec<Item>,
        attrs: Vec<Attribute>,
    ) {
        for item in &items {
            let Item::Mod(child) = item else { continue };
            let child_path = joined(&path, &child.ident.to_string());
            let attrs = [&attrs[..], &child.attrs].concat();
            match &child.content {
                Some((_, items)) => self.add(files, child_path, file.clone(), items.clone(), attrs),
                None => {
                    let file = file_of(files, child, &child_path);
                    let items = parse_file(files, &file);
                    self.add(files, child_path, file, items, attrs);
                }
            }
        }
        self.modules.push(Module { path, file, items, attrs });
    }

    pub(crate) fn module(&self, path: &[String]) -> Option<&Module> {
        self.modules.iter().find(|module| module.path == path)
    }
}

fn parse_file(files: &Files, name: &str) -> Vec<Item> {
    let text = files.get(name).unwrap_or_else(|| panic!("there is no {name}"));
    syn::parse_file(text).unwrap_or_else(|error| panic!("{name}: {error}")).items
}

fn file_of(files: &Files, module: &ItemMod, path: &[String]) -> String {
    let given = module.attrs.iter().find(|attr| attr.path().is_ident("path")).map(|attr| {
        let Meta::NameValue(pair) = &attr.meta else { panic!("`#[path]` has no value") };
        let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &pair.value else {
            panic!("`#[path]` is not a string")
        };
        // Relative to the folder of the file, which is the root: only modules of the root have one.
        format!("{ROOT}{}", text.value())
    });
    given.unwrap_or_else(|| {
        let stem = format!("{ROOT}{}", path.join("/"));
        let folder = format!("{stem}/mod.rs");
        if files.contains_key(&folder) { folder } else { format!("{stem}.rs") }
    })
}

/// Whether there is a `#[cfg(test)]`.
pub(crate) fn is_test_only(attrs: &[Attribute]) -> bool {
    has_condition(attrs, "test")
}

/// Whether there is a `#[cfg(name)]`.
pub(crate) fn has_condition(attrs: &[Attribute], name: &str) -> bool {
    attrs.iter().any(|attr| {
        attr.path().is_ident("cfg") && attr.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident(name))
    })
}

pub(crate) fn joined(path: &[String], name: &str) -> Vec<String> {
    path.iter().cloned().chain([name.to_owned()]).collect()
}
