//! How a stage takes an input: by value, or owned by the stage and borrowed by the function.

use syn::visit::Visit;
use syn::{
    GenericParam, Generics, Lifetime, PathArguments, Type, TypeParamBound, TypePath, TypeReference,
    parse_quote,
};

use super::types::{is_static, strip};
use crate::crate_path::CratePath;

/// How a function takes an input.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PassMode {
    /// By value.
    Move,
    /// As `&T`, of a `T` that the stage owns; or of an owned form of it, such as a `String` for `&str`.
    Borrow,
}

/// The type that a stage takes for a parameter of this type.
pub(crate) fn owned_input(ty: &Type, crate_path: &CratePath) -> (Type, PassMode) {
    let Type::Reference(TypeReference { lifetime, mutability: None, elem, .. }) = strip(ty) else {
        return (ty.clone(), PassMode::Move);
    };
    // A `&'static T` is a value like any other: nothing has to own what it points to.
    if lifetime.as_ref().is_some_and(is_static) {
        return (ty.clone(), PassMode::Move);
    }
    let private = crate_path.private();
    match strip(elem) {
        Type::Path(path) if is(path, &["str"]) => (parse_quote!(#private::String), PassMode::Borrow),
        Type::Path(path) if is_std_path(path) => (parse_quote!(#private::PathBuf), PassMode::Borrow),
        Type::Slice(slice) => {
            let element = &slice.elem;
            (parse_quote!(#private::Vec<#element>), PassMode::Borrow)
        }
        owned => (owned.clone(), PassMode::Borrow),
    }
}

/// `Path`, `path::Path` or `std::path::Path`. A type of your own with that name is `self::Path`.
fn is_std_path(path: &TypePath) -> bool {
    is(path, &["Path"]) || is(path, &["path", "Path"]) || is(path, &["std", "path", "Path"])
}

fn is(path: &TypePath, names: &[&str]) -> bool {
    let segments = &path.path.segments;
    path.qself.is_none()
        && segments.len() == names.len()
        && segments
            .iter()
            .zip(names)
            .all(|(segment, name)| segment.ident == name && matches!(segment.arguments, PathArguments::None))
}

/// The generics of a function, without the lifetimes that no owned input has: those of borrows, which end with the call.
pub(crate) fn owned_generics(generics: &Generics, inputs: &[&Type]) -> Generics {
    let mut kept = Lifetimes::default();
    for input in inputs {
        kept.visit_type(input);
    }
    let is_gone = |lifetime: &Lifetime| {
        generics.lifetimes().any(|parameter| parameter.lifetime == *lifetime) && !kept.0.contains(lifetime)
    };
    let names_one =
        |bound: &TypeParamBound| matches!(bound, TypeParamBound::Lifetime(lifetime) if is_gone(lifetime));
    let mut owned = generics.clone();
    let parameters = owned.params.into_iter().filter_map(|mut parameter| {
        match &mut parameter {
            GenericParam::Lifetime(parameter) if is_gone(&parameter.lifetime) => return None,
            GenericParam::Lifetime(parameter) => {
                parameter.bounds = parameter.bounds.iter().filter(|bound| !is_gone(bound)).cloned().collect();
            }
            GenericParam::Type(parameter) => {
                parameter.bounds =
                    parameter.bounds.iter().filter(|bound| !names_one(bound)).cloned().collect();
            }
            GenericParam::Const(_) => {}
        }
        Some(parameter)
    });
    owned.params = parameters.collect();
    if let Some(clause) = &mut owned.where_clause {
        let predicates = clause.predicates.iter().filter(|predicate| {
            let mut used = Lifetimes::default();
            used.visit_where_predicate(predicate);
            !used.0.iter().any(is_gone)
        });
        clause.predicates = predicates.cloned().collect();
    }
    owned
}

/// The lifetimes that a piece of syntax names.
#[derive(Default)]
struct Lifetimes(Vec<Lifetime>);

impl<'ast> Visit<'ast> for Lifetimes {
    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        self.0.push(lifetime.clone());
    }
}
