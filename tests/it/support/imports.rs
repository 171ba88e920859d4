//! The paths within the crate that a module names: in `use`, in code and in the bodies of macros, but not in comments.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Item;

use super::crate_source::{CrateSource, Module, is_test_only, joined};

/// A path from the root of the crate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Import {
    /// `["run", "item", "Item"]`; it ends in `*` for all of a module.
    pub(crate) path: Vec<String>,
    pub(crate) line: usize,
    /// A `!` follows.
    pub(crate) calls_macro: bool,
}

/// Items with `#[cfg(test)]` do not count.
pub(crate) fn imports(source: &CrateSource, module: &Module) -> Vec<Import> {
    let mut found = Found { module: &module.path, imports: Vec::new() };
    for item in &module.items {
        match item {
            // A module of its own.
            Item::Mod(_) => {}
            Item::Use(import) if is_test_only(&import.attrs) => {}
            Item::Use(import) => {
                let tree = import.tree.to_token_stream();
                let first = tree.clone().into_iter().next().map(|token| token.to_string());
                // `use child::Name`: the child is a module of this one.
                let child = first.map(|name| joined(&module.path, &name));
                if child.is_some_and(|child| child.len() > 1 && source.module(&child).is_some()) {
                    found.tree(&module.path, &tree.into_iter().collect::<Vec<_>>());
                } else {
                    found.code(import.to_token_stream());
                }
            }
            item if is_test_only(attributes(item)) => {}
            item => found.code(item.to_token_stream()),
        }
    }
    found.imports
}

fn attributes(item: &Item) -> &[syn::Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        _ => &[],
    }
}

struct Found<'a> {
    module: &'a [String],
    imports: Vec<Import>,
}

impl Found<'_> {
    /// Finds `crate::…`, `super::…` and `self::…` in any code.
    fn code(&mut self, tokens: TokenStream) {
        let tokens: Vec<_> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            if let TokenTree::Group(group) = &tokens[at] {
                self.code(group.stream());
            }
            let inside_path = at >= 2 && is_separator(&tokens, at - 2);
            let start = match &tokens[at] {
                TokenTree::Ident(name) if !inside_path && is_separator(&tokens, at + 1) => {
                    start_of(&name.to_string(), self.module)
                }
                _ => None,
            };
            at += match start {
                Some(start) => 3 + self.tree(&start, &tokens[at + 3..]),
                None => 1,
            };
        }
    }

    /// Reads what comes after `prefix::`, and returns how many tokens that are.
    fn tree(&mut self, prefix: &[String], tokens: &[TokenTree]) -> usize {
        match tokens.first() {
            Some(TokenTree::Ident(name)) if name == "super" && is_separator(tokens, 1) => {
                3 + self.tree(parent(prefix), &tokens[3..])
            }
            Some(TokenTree::Ident(name)) => {
                let line = name.span().start().line;
                let path = if name == "self" { prefix.to_vec() } else { joined(prefix, &name.to_string()) };
                // Behind the `::` of a turbofish there is no further name.
                if is_separator(tokens, 1) && !is_punct(tokens.get(3), '<') {
                    return 3 + self.tree(&path, &tokens[3..]);
                }
                self.imports.push(Import { path, line, calls_macro: is_punct(tokens.get(1), '!') });
                1
            }
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => {
                let inner: Vec<_> = group.stream().into_iter().collect();
                for branch in inner.split(|token| is_punct(Some(token), ',')) {
                    self.tree(prefix, branch);
                }
                1
            }
            Some(TokenTree::Punct(star)) if star.as_char() == '*' => {
                let line = star.span().start().line;
                self.imports.push(Import { path: joined(prefix, "*"), line, calls_macro: false });
                1
            }
            _ => 0,
        }
    }
}

fn start_of(word: &str, module: &[String]) -> Option<Vec<String>> {
    match word {
        "crate" => Some(Vec::new()),
        "self" => Some(module.to_vec()),
        "super" => Some(parent(module).to_vec()),
        _ => None,
    }
}

fn parent(path: &[String]) -> &[String] {
    path.split_last().map_or(&[], |(_, rest)| rest)
}

fn is_separator(tokens: &[TokenTree], at: usize) -> bool {
    is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')
}

fn is_punct(token: Option<&TokenTree>, wanted: char) -> bool {
    matches!(token, Some(TokenTree::Punct(found)) if found.as_char() == wanted)
}
