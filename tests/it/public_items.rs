//! The public surface of the crate, as a list that is checked in: `tests/public_items.txt`.
//!
//! A change of the surface changes the list. `BLESS=1 cargo test -p tests public_items` writes it again.
//!
//! It holds each item that users can name, one a line: functions, types with their public fields, variants and methods,
//! traits with their methods and types. Items with `#[doc(hidden)]` and impls of traits are not in it. It is read from the
//! sources, so what a macro of the crate defines cannot be public.

use std::collections::BTreeSet;
use std::path::Path;
use std::{env, fs};

use quote::ToTokens;
use syn::{Attribute, Fields, ImplItem, Item, ItemUse, TraitItem, Type, UseTree, Visibility};

use crate::support::crate_source::{CrateSource, Files, Module, joined, runtime_files};

const LIST: &str = "public_items.txt";
const BLESS: &str = "BLESS=1 cargo test -p tests public_items";

#[test]
fn the_public_items_are_those_of_the_list() {
    let found = list(&CrateSource::parse(&runtime_files()));
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(LIST);
    if env::var_os("BLESS").is_some() {
        fs::write(&path, &found).expect("the list can be written");
    }
    let listed = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == listed,
        "the public items are not those of tests/{LIST}:\n{}If that is intended: {BLESS}",
        difference(&listed, &found)
    );
}

/// The items, one a line, below a line with the number of names at the root.
fn list(source: &CrateSource) -> String {
    let mut items = Items { source, lines: BTreeSet::new() };
    items.module(&[], "pipeline", "");
    let at_root: BTreeSet<_> = items
        .lines
        .iter()
        .filter_map(|line| line.strip_prefix("pipeline::")?.split_once(": "))
        .map(|(name, _)| name)
        .filter(|name| !name.contains("::"))
        .collect();
    let (names, count) = (at_root.len(), items.lines.len());
    println!("{names} names at the crate root");
    let first = format!("# {names} names at the crate root, {count} items. {BLESS}");
    lines([first].into_iter().chain(items.lines))
}

fn difference(listed: &str, found: &str) -> String {
    let (old, new): (BTreeSet<_>, BTreeSet<_>) = (listed.lines().collect(), found.lines().collect());
    let changed = old.symmetric_difference(&new);
    lines(changed.map(|line| format!("{} {line}", if new.contains(line) { '+' } else { '-' })))
}

fn lines(lines: impl IntoIterator<Item = String>) -> String {
    lines.into_iter().flat_map(|line| [line, "\n".to_owned()]).collect()
}

struct Items<'a> {
    source: &'a CrateSource,
    lines: BTreeSet<String>,
}

impl<'a> Items<'a> {
    /// `gate` is what limits the item to a feature, or empty.
    fn add(&mut self, path: &str, kind: &str, gate: &str) {
        self.lines.insert(format!("{path}: {kind}{gate}"));
    }

    /// Adds what is public in a module that users know as `public`.
    fn module(&mut self, path: &[String], public: &str, gate: &str) {
        let module = self.source.module(path).expect("the module is there");
        for item in &module.items {
            match item {
                Item::Use(import) if is_public(&import.vis) && !is_hidden(&import.attrs) => {
                    let gate = with_gate(gate, &import.attrs);
                    for (target, name) in targets(import) {
                        self.re_export(module, &target, &format!("{public}::{name}"), &gate);
                    }
                }
                Item::Use(_) => {}
                item => self.item(module, item, None, public, gate),
            }
        }
    }

    /// Adds an item that a `pub use` in `module` names, under its public path.
    fn re_export(&mut self, module: &Module, target: &[String], public: &str, gate: &str) {
        let Some(target) = self.absolute(module, target) else {
            let kind = if target[0] == "pipeline_macros" {
                "macro".to_owned()
            } else {
                format!("use of {}", target.join("::"))
            };
            return self.add(public, &kind, gate);
        };
        if self.source.module(&target).is_some() {
            self.add(public, "mod", gate);
            self.module(&target, public, gate);
        }
        let definitions = self.definitions(&target);
        let is_module = self.source.module(&target).is_some();
        assert!(is_module || !definitions.is_empty(), "`{}` is not in the sources", target.join("::"));
        let (parent, name) = public.rsplit_once("::").expect("a public path starts with the crate");
        for (module, item) in definitions {
            self.item(module, item, Some(name), parent, gate);
        }
    }

    /// The path from the root of the crate; none for that of another crate.
    fn absolute(&self, module: &Module, path: &[String]) -> Option<Vec<String>> {
        let (first, rest) = path.split_first()?;
        match first.as_str() {
            "crate" => Some(rest.to_vec()),
            "self" => Some([&module.path, rest].concat()),
            "super" => {
                let parent = self.source.module(module.path.split_last()?.1)?;
                let path = [&["self".to_owned()], rest].concat();
                self.absolute(parent, if rest[0] == "super" { rest } else { &path })
            }
            child if self.source.module(&joined(&module.path, child)).is_some() => {
                Some([&module.path, path].concat())
            }
            _ => None,
        }
    }

    /// The items of that path, through re-exports: a function and a type can have the same one.
    fn definitions(&self, path: &[String]) -> Vec<(&'a Module, &'a Item)> {
        let Some((name, module)) = path.split_last() else { return Vec::new() };
        let Some(module) = self.source.module(module) else { return Vec::new() };
        let mut found = Vec::new();
        for item in &module.items {
            match item {
                Item::Use(import) => {
                    for (target, _) in targets(import).iter().filter(|(_, known_as)| known_as == name) {
                        let target = self.absolute(module, target).filter(|target| target != path);
                        found.extend(target.iter().flat_map(|target| self.definitions(target)));
                    }
                }
                item if name_of(item).is_some_and(|found| found == *name) => found.push((module, item)),
                _ => {}
            }
        }
        found
    }

    /// Adds an item and what is in it, if it is public. `renamed` is the name of a re-export.
    fn item(&mut self, module: &Module, item: &Item, renamed: Option<&str>, public: &str, gate: &str) {
        let Some((vis, attrs, kind)) = kind_of(item) else { return };
        let name = name_of(item).expect("an item with a kind has a name");
        if !is_public(vis) || is_hidden(attrs) {
            return;
        }
        let path = format!("{public}::{}", renamed.unwrap_or(&name));
        let gate = &with_gate(&with_gate(gate, &module.attrs), attrs);
        self.add(&path, kind, gate);
        match item {
            Item::Mod(_) => self.module(&joined(&module.path, &name), &path, gate),
            Item::Struct(item) => {
                self.fields(&item.fields, &path, gate, is_public);
                self.methods(module, &name, &path, gate);
            }
            Item::Enum(item) => {
                for variant in item.variants.iter().filter(|variant| !is_hidden(&variant.attrs)) {
                    let path = format!("{path}::{}", variant.ident);
                    let gate = with_gate(gate, &variant.attrs);
                    self.add(&path, "variant", &gate);
                    self.fields(&variant.fields, &path, &gate, |_| true);
                }
                self.methods(module, &name, &path, gate);
            }
            Item::Trait(item) => {
                for item in &item.items {
                    let (attrs, name, kind) = match item {
                        TraitItem::Fn(item) => (&item.attrs, &item.sig.ident, "fn"),
                        TraitItem::Type(item) => (&item.attrs, &item.ident, "type"),
                        TraitItem::Const(item) => (&item.attrs, &item.ident, "const"),
                        _ => continue,
                    };
                    if !is_hidden(attrs) {
                        self.add(&format!("{path}::{name}"), kind, &with_gate(gate, attrs));
                    }
                }
            }
            _ => {}
        }
    }

    fn fields(&mut self, fields: &Fields, path: &str, gate: &str, is_public: fn(&Visibility) -> bool) {
        for (index, field) in fields.iter().enumerate() {
            if is_public(&field.vis) && !is_hidden(&field.attrs) {
                let name = field.ident.as_ref().map_or_else(|| index.to_string(), ToString::to_string);
                self.add(&format!("{path}::{name}"), "field", &with_gate(gate, &field.attrs));
            }
        }
    }

    /// Adds the public methods of a type, from its inherent impls in any module.
    fn methods(&mut self, module: &Module, name: &str, public: &str, gate: &str) {
        let defined = joined(&module.path, name);
        for module in &self.source.modules {
            for item in &module.items {
                let Item::Impl(item) = item else { continue };
                if item.trait_.is_some() || !self.is_type(module, &item.self_ty, &defined) {
                    continue;
                }
                let gate = with_gate(&with_gate(gate, &module.attrs), &item.attrs);
                for item in &item.items {
                    let (vis, attrs, name, kind) = match item {
                        ImplItem::Fn(item) => (&item.vis, &item.attrs, &item.sig.ident, "fn"),
                        ImplItem::Const(item) => (&item.vis, &item.attrs, &item.ident, "const"),
                        _ => continue,
                    };
                    if is_public(vis) && !is_hidden(attrs) {
                        self.add(&format!("{public}::{name}"), kind, &with_gate(&gate, attrs));
                    }
                }
            }
        }
    }

    /// Whether `ty` is, in that module, the type that is defined at that path.
    fn is_type(&self, module: &Module, ty: &Type, defined: &[String]) -> bool {
        let Type::Path(ty) = ty else { return false };
        let path: Vec<_> = ty.path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        let path = self.absolute(module, &path).unwrap_or_else(|| [&module.path[..], &path].concat());
        self.definitions(&path)
            .iter()
            .any(|(module, item)| name_of(item).is_some_and(|name| joined(&module.path, &name) == defined))
    }
}

fn is_public(vis: &Visibility) -> bool {
    matches!(vis, Visibility::Public(_))
}

fn is_hidden(attrs: &[Attribute]) -> bool {
    attrs.iter().any(|attr| {
        let hidden = |path: syn::Path| path.is_ident("hidden");
        attr.path().is_ident("doc") && attr.parse_args().is_ok_and(hidden)
    })
}

/// `gate`, and the feature that a `#[cfg(feature = "…")]` asks for.
fn with_gate(gate: &str, attrs: &[Attribute]) -> String {
    let mut gate = gate.to_owned();
    for attr in attrs.iter().filter(|attr| attr.path().is_ident("cfg")) {
        if let Ok(pair) = attr.parse_args::<syn::MetaNameValue>()
            && pair.path.is_ident("feature")
        {
            let text = format!(", feature {}", pair.value.to_token_stream().to_string().trim_matches('"'));
            if !gate.contains(&text) {
                gate += &text;
            }
        }
    }
    gate
}

fn name_of(item: &Item) -> Option<String> {
    let name = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Mod(item) => &item.ident,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::Type(item) => &item.ident,
        _ => return None,
    };
    Some(name.to_string())
}

fn kind_of(item: &Item) -> Option<(&Visibility, &[Attribute], &'static str)> {
    Some(match item {
        Item::Const(item) => (&item.vis, &item.attrs, "const"),
        Item::Enum(item) => (&item.vis, &item.attrs, "enum"),
        Item::Fn(item) => (&item.vis, &item.attrs, "fn"),
        Item::Mod(item) => (&item.vis, &item.attrs, "mod"),
        Item::Static(item) => (&item.vis, &item.attrs, "static"),
        Item::Struct(item) => (&item.vis, &item.attrs, "struct"),
        Item::Trait(item) => (&item.vis, &item.attrs, "trait"),
        Item::Type(item) => (&item.vis, &item.attrs, "type"),
        _ => return None,
    })
}

/// The paths that a `use` brings in, each with the name that it gets here.
fn targets(import: &ItemUse) -> Vec<(Vec<String>, String)> {
    fn walk(tree: &UseTree, prefix: &[String], found: &mut Vec<(Vec<String>, String)>) {
        let mut add = |name: String, known_as: String| {
            let path = if name == "self" { prefix.to_vec() } else { joined(prefix, &name) };
            let known_as = if known_as == "self" { path[path.len() - 1].clone() } else { known_as };
            found.push((path, known_as));
        };
        match tree {
            UseTree::Path(path) => walk(&path.tree, &joined(prefix, &path.ident.to_string()), found),
            UseTree::Name(name) => add(name.ident.to_string(), name.ident.to_string()),
            UseTree::Rename(name) => add(name.ident.to_string(), name.rename.to_string()),
            UseTree::Glob(_) => add("*".to_owned(), "*".to_owned()),
            UseTree::Group(group) => group.items.iter().for_each(|tree| walk(tree, prefix, found)),
        }
    }
    let mut found = Vec::new();
    walk(&import.tree, &[], &mut found);
    found
}

/// The list of a crate with that `lib.rs` and a module `inner`, without its first line.
fn list_of(lib: &str, inner: &str) -> Vec<String> {
    let files = [("lib.rs", lib), ("inner.rs", inner)];
    let files: Files = files.map(|(file, text)| (format!("pipeline/src/{file}"), text.to_owned())).into();
    list(&CrateSource::parse(&files)).lines().skip(1).map(str::to_owned).collect()
}

#[test]
fn the_list_holds_what_users_can_name() {
    let lib = r#"
        mod inner;
        pub mod open { pub fn f() {} pub(crate) fn g() {} fn h() {} }
        pub use inner::{Kind, Service as Renamed, work};
        #[cfg(feature = "extra")] pub use inner::Plain;
        pub use pipeline_macros::stage;
        pub use other::Token;
        #[doc(hidden)] pub mod hidden { pub fn f() {} }
        #[cfg(feature = "file")] mod file { impl crate::inner::Plain { pub const LIMIT: u8 = 1; } }
    "#;
    let inner = r#"
        pub enum Kind { One, Two { size: u8 }, #[doc(hidden)] Three }
        impl Kind { pub fn name(&self) {} pub(crate) fn code(&self) {} #[doc(hidden)] pub fn raw(&self) {} }
        pub trait Service { type Out; fn call(&self); #[doc(hidden)] fn __call(&self); }
        pub struct Plain { pub shown: u8, kept: u8 }
        impl<T> From<T> for Plain { fn from(_: T) -> Self {} }
        impl Plain { #[cfg(feature = "more")] pub fn more() {} }
        pub struct Unreachable;
        pub fn work() {}
        pub struct work { pub(crate) inner: u8 }
    "#;
    assert_eq!(
        list_of(lib, inner),
        [
            "pipeline::Kind: enum",
            "pipeline::Kind::One: variant",
            "pipeline::Kind::Two: variant",
            "pipeline::Kind::Two::size: field",
            "pipeline::Kind::name: fn",
            "pipeline::Plain: struct, feature extra",
            "pipeline::Plain::LIMIT: const, feature extra, feature file",
            "pipeline::Plain::more: fn, feature extra, feature more",
            "pipeline::Plain::shown: field, feature extra",
            "pipeline::Renamed: trait",
            "pipeline::Renamed::Out: type",
            "pipeline::Renamed::call: fn",
            "pipeline::Token: use of other::Token",
            "pipeline::open: mod",
            "pipeline::open::f: fn",
            "pipeline::stage: macro",
            "pipeline::work: fn",
            "pipeline::work: struct",
        ]
    );
}

#[test]
fn a_difference_names_what_was_added_and_removed() {
    assert_eq!(difference("a\nb\n", "a\nc\n"), "- b\n+ c\n");
}
