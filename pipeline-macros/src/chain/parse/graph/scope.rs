//! The names in a graph, and the values that they are bound to.

use proc_macro2::{Ident, Span};
use syn::Pat;

use super::statement::Statement;
use crate::arity::MAX_ARITY;
use crate::chain::dataflow::ValuePattern;
use crate::diagnostics::{Diagnostics, nearest};

struct Binding {
    name: Ident,
    value: usize,
    used: bool,
}

/// The names in scope at one statement.
pub(super) struct Scope<'a> {
    pub(super) diagnostics: &'a mut Diagnostics,
    /// The name of each value so far.
    value_names: Vec<Ident>,
    bindings: Vec<Binding>,
    /// The names that later statements bind, the next statement's last.
    bound_later: Vec<Ident>,
    /// Those of them that were used already, which is reported once.
    used_early: Vec<Ident>,
    /// The names that are bound to no value.
    unresolved: Vec<Ident>,
}

impl<'a> Scope<'a> {
    pub(super) fn new(statements: &[Statement<'_>], diagnostics: &'a mut Diagnostics) -> Self {
        let mut bound_later = Vec::new();
        for statement in statements {
            if let Statement::Let { pattern, .. } = statement {
                pattern_names(pattern, &mut bound_later);
            }
        }
        bound_later.reverse();
        Self {
            diagnostics,
            value_names: Vec::new(),
            bindings: Vec::new(),
            bound_later,
            used_early: Vec::new(),
            unresolved: Vec::new(),
        }
    }

    /// The names that expressions can use.
    pub(super) fn names(&self) -> impl Iterator<Item = &Ident> {
        self.bindings.iter().map(|binding| &binding.name)
    }

    /// The value that a name is bound to.
    pub(super) fn resolve(&mut self, name: &Ident) -> Option<usize> {
        let binding = self.bindings.iter_mut().rev().find(|binding| binding.name == *name)?;
        binding.used = true;
        Some(binding.value)
    }

    /// Records a name that is bound to no value so far. It may name something outside the graph.
    pub(super) fn record_unresolved(&mut self, name: &Ident) {
        if self.bound_later.contains(name) {
            let message = format!("`{name}` is used before it is bound");
            self.diagnostics.push(syn::Error::new_spanned(name, message));
            self.used_early.push(name.clone());
        } else {
            self.unresolved.push(name.clone());
        }
    }

    /// Binds the pattern of a `let`.
    pub(super) fn bind_let(&mut self, pattern: &Pat) -> syn::Result<ValuePattern> {
        let mut names = Vec::new();
        pattern_names(pattern, &mut names);
        self.bound_later.truncate(self.bound_later.len().saturating_sub(names.len()));
        self.bind(pattern)
    }

    /// Binds the names of a pattern to fresh values.
    pub(super) fn bind(&mut self, pattern: &Pat) -> syn::Result<ValuePattern> {
        match pattern {
            Pat::Ident(ident)
                if ident.by_ref.is_none() && ident.mutability.is_none() && ident.subpat.is_none() =>
            {
                let name = &ident.ident;
                let value = self.new_value(name);
                if name.to_string().starts_with('_') {
                    return Ok(ValuePattern::Ignored(value));
                }
                if let Some(index) = self.bindings.iter().position(|binding| binding.name == *name) {
                    let shadowed = self.bindings.remove(index);
                    if !shadowed.used {
                        let message = format!("`{name}` is never used: a later `{name}` shadows it");
                        self.diagnostics.push(syn::Error::new_spanned(&shadowed.name, message));
                    }
                }
                let used = self.used_early.contains(name);
                self.bindings.push(Binding { name: name.clone(), value, used });
                Ok(ValuePattern::Value(value))
            }
            Pat::Wild(_) => {
                let value = self.new_value(&Ident::new("_", Span::mixed_site()));
                Ok(ValuePattern::Ignored(value))
            }
            Pat::Tuple(tuple) if tuple.elems.len() > MAX_ARITY => Err(syn::Error::new_spanned(
                &tuple.elems[MAX_ARITY],
                "a tuple pattern has at most eight names: return a struct from the stage",
            )),
            Pat::Tuple(tuple) if !tuple.elems.iter().any(|part| matches!(part, Pat::Rest(_))) => {
                let parts = tuple.elems.iter().map(|part| self.bind(part)).collect::<syn::Result<_>>()?;
                Ok(ValuePattern::Tuple(parts))
            }
            Pat::Paren(inner) => self.bind(&inner.pat),
            Pat::Type(typed) => Err(syn::Error::new_spanned(
                &typed.ty,
                "remove this type, which follows from the stage: give a generic stage its type arguments in the call, `decode::<Airport>(body)`",
            )),
            Pat::Ident(ident) if ident.mutability.is_some() => Err(syn::Error::new_spanned(
                ident.mutability,
                "a value in a graph cannot be mutable: remove this",
            )),
            other => Err(syn::Error::new_spanned(
                other,
                "expected a name, `_`, or a tuple of them: `let (user, orders) = …`",
            )),
        }
    }

    pub(super) fn new_value(&mut self, name: &Ident) -> usize {
        self.value_names.push(name.clone());
        self.value_names.len() - 1
    }

    /// Reports the names that were never used. Gives the names of all values.
    pub(super) fn finish(mut self, input: &ValuePattern) -> Vec<Ident> {
        let unused: Vec<_> = self.bindings.drain(..).filter(|binding| !binding.used).collect();
        for binding in &unused {
            self.report_unused(binding, input);
        }
        self.value_names
    }

    fn report_unused(&mut self, Binding { name, value, .. }: &Binding, input: &ValuePattern) {
        let is_typo =
            |unresolved: &&Ident| nearest(&unresolved.to_string(), [name.to_string().as_str()]).is_some();
        if let Some(unresolved) = self.unresolved.iter().find(is_typo) {
            let message = format!(
                "`{unresolved}` is not a value of this graph, and `{name}` is never used: did you mean `{name}`?"
            );
            self.diagnostics.push(syn::Error::new_spanned(unresolved, message));
            return;
        }
        let message = if input.values().contains(value) {
            format!("`{name}` is never used: rename it to `_` if no call depends on it")
        } else {
            format!("`{name}` is never used: remove the call, or bind its output to `_` to run it anyway")
        };
        self.diagnostics.push(syn::Error::new_spanned(name, message));
    }
}

fn pattern_names(pattern: &Pat, names: &mut Vec<Ident>) {
    match pattern {
        Pat::Ident(ident) => names.push(ident.ident.clone()),
        Pat::Tuple(tuple) => tuple.elems.iter().for_each(|part| pattern_names(part, names)),
        Pat::Paren(inner) => pattern_names(&inner.pat, names),
        Pat::Type(typed) => pattern_names(&typed.pat, names),
        _ => {}
    }
}
