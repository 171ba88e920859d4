//! How a parameter's type decides what the stage takes: by value, or owned here and lent.

use syn::visit::Visit;
use syn::{
    GenericParam, Generics, Lifetime, PathArguments, Type, TypeParamBound, TypePath, TypeReference,
    parse_quote,
};

use super::model::Argument;
use crate::crate_path::CratePath;

/// How a parameter gets its argument.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum PassMode {
    /// The value moves in.
    Move,
    /// The stage keeps a `T` and lends it as `&T`; or an owned form that coerces to it, such as a `String` for `&str`.
    Borrow,
}

/// What a stage takes for a parameter of this type.
pub(crate) fn owned(ty: &Type, crate_path: &CratePath) -> (Type, PassMode) {
    let Type::Reference(TypeReference { lifetime, mutability: None, elem, .. }) = strip(ty) else {
        return (ty.clone(), PassMode::Move);
    };
    // A `&'static T` is a value like any other: there is nobody who would have to keep it.
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

pub(crate) fn is_static(lifetime: &Lifetime) -> bool {
    lifetime.ident == "static"
}

/// The type inside parentheses and invisible groups.
pub(crate) fn strip(ty: &Type) -> &Type {
    match ty {
        Type::Paren(inner) => strip(&inner.elem),
        Type::Group(inner) => strip(&inner.elem),
        ty => ty,
    }
}

/// `Path`, `path::Path` or `std::path::Path`. (A type of that name of one's own goes as `self::Path`.)
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

/// The first reference or `'_` in a type that borrows from nobody knows whom; `None` if the type owns all it has.
pub(crate) fn anonymous_borrow(ty: &Type) -> Option<proc_macro2::TokenStream> {
    struct Search(Option<proc_macro2::TokenStream>);

    impl<'ast> Visit<'ast> for Search {
        fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
            if reference.lifetime.is_none() {
                self.0.get_or_insert_with(|| quote::quote!(#reference));
            }
            syn::visit::visit_type_reference(self, reference);
        }

        fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
            if lifetime.ident == "_" {
                self.0.get_or_insert_with(|| quote::quote!(#lifetime));
            }
        }

        // What stands in the signature of a function pointer or an `Fn(..)` is the caller's affair.
        fn visit_type_fn_ptr(&mut self, _: &'ast syn::TypeFnPtr) {}
        fn visit_parenthesized_generic_arguments(&mut self, _: &'ast syn::ParenthesizedGenericArguments) {}
    }

    let mut search = Search(None);
    search.visit_type(ty);
    search.0
}

/// The generics of a function, less the lifetimes that no owned input has: those of borrows, which end with the call.
pub(crate) fn owned_generics(generics: &Generics, arguments: &[Argument]) -> Generics {
    let mut kept = Lifetimes::default();
    for argument in arguments {
        if let Argument::Input(input) = argument {
            kept.visit_type(&input.owned);
        }
    }
    let is_gone = |lifetime: &Lifetime| {
        generics.lifetimes().any(|parameter| parameter.lifetime == *lifetime) && !kept.0.contains(lifetime)
    };
    let mentions =
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
                    parameter.bounds.iter().filter(|bound| !mentions(bound)).cloned().collect();
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

/// The lifetimes that are named somewhere.
#[derive(Default)]
struct Lifetimes(Vec<Lifetime>);

impl<'ast> Visit<'ast> for Lifetimes {
    fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
        self.0.push(lifetime.clone());
    }
}
