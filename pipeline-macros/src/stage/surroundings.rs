//! What is around a function: a macro on it is not told, so the source file is read.

use proc_macro::Span;
use syn::visit::{self, Visit};
use syn::{Attribute, File, Ident, ImplItemFn, TraitItemFn};

/// Whether the macro's attribute stands at the margin, where nothing can be around it.
pub(super) fn is_at_margin() -> bool {
    // Unit tests run without a compiler.
    proc_macro::is_available() && Span::call_site().column() <= 1
}

/// Whether a function of this name stands in an `impl` or a `trait`, as far as the source file shows. If the file cannot be
/// read, rustc says it, in its own words and more of them.
pub(super) fn is_associated(name: &Ident) -> bool {
    // Most files need not be read.
    if !proc_macro::is_available() || is_at_margin() {
        return false;
    }
    let at = Span::call_site();
    let text = at.local_file().and_then(|path| std::fs::read_to_string(path).ok());
    text.is_some_and(|text| may_be_associated(&text, at.line()) && has_associated_stage(&text, name))
}

/// Whether the indentation says that an `impl` or a `trait` is around this line, which is counted from 1. Parsing takes longer.
fn may_be_associated(text: &str, line: usize) -> bool {
    let indentation = |line: &str| line.len() - line.trim_start().len();
    let lines: Vec<_> = text.lines().take(line).collect();
    let Some((own, before)) = lines.split_last() else { return false };
    let is_around = |line: &&&str| !line.trim().is_empty() && indentation(line) < indentation(own);
    before.iter().rev().find(is_around).is_some_and(|header| {
        let opens_where_clause = header.trim() == "{" || header.trim_start().starts_with("where");
        opens_where_clause
            || header.split(|c: char| !c.is_alphanumeric()).any(|word| word == "impl" || word == "trait")
    })
}

/// Whether an `impl` or a `trait` in this file has a function of this name with `#[stage]`.
fn has_associated_stage(text: &str, name: &Ident) -> bool {
    let Ok(file) = syn::parse_str::<File>(text) else { return false };
    let mut search = Search { name, found: false };
    search.visit_file(&file);
    search.found
}

struct Search<'a> {
    name: &'a Ident,
    found: bool,
}

impl Search<'_> {
    fn function(&mut self, name: &Ident, attributes: &[Attribute]) {
        let is_stage = |attribute: &Attribute| {
            attribute.path().segments.last().is_some_and(|segment| segment.ident == "stage")
        };
        self.found |= name == self.name && attributes.iter().any(is_stage);
    }
}

impl<'a> Visit<'a> for Search<'_> {
    fn visit_impl_item_fn(&mut self, function: &'a ImplItemFn) {
        self.function(&function.sig.ident, &function.attrs);
        visit::visit_impl_item_fn(self, function);
    }

    fn visit_trait_item_fn(&mut self, function: &'a TraitItemFn) {
        self.function(&function.sig.ident, &function.attrs);
        visit::visit_trait_item_fn(self, function);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
struct App;

impl<T> Trait for App
where
    T: Copy,
{
    #[pipeline::stage(retries = 1)]
    fn load(id: u32) -> u32 { id }

    fn plain(id: u32) -> u32 {
        #[stage]
        fn inner(x: u32) -> u32 { x }
        id
    }
}

mod inside {
    #[stage]
    fn plain(x: u32) -> u32 { x }
    trait Loads {
        #[stage]
        fn fetch(id: u32) -> u32;
    }
}
";

    #[test]
    fn the_indentation_is_asked_first() {
        let line = |text: &str| FILE.lines().take_while(|line| !line.contains(text)).count();
        assert!(may_be_associated(FILE, line("fn load")));
        assert!(may_be_associated(FILE, line("fn fetch")));
        assert!(!may_be_associated(FILE, line("fn inner")));
        assert!(!may_be_associated(FILE, line("fn plain(x")));
        assert!(!may_be_associated(FILE, 1));
        assert!(!may_be_associated("", 7));
    }

    #[test]
    fn only_functions_of_an_impl_or_a_trait_are_found() {
        let has = |name: &str| has_associated_stage(FILE, &Ident::new(name, proc_macro2::Span::call_site()));
        assert!(has("load"));
        assert!(has("fetch"));
        assert!(!has("inner"));
        assert!(!has("plain"));
    }
}
