//! What the type of a parameter says.

use proc_macro2::TokenStream;
use quote::quote;
use syn::visit::Visit;
use syn::{Lifetime, Type, TypeReference};

/// The type inside parentheses and invisible groups.
pub(crate) fn strip(ty: &Type) -> &Type {
    match ty {
        Type::Paren(inner) => strip(&inner.elem),
        Type::Group(inner) => strip(&inner.elem),
        ty => ty,
    }
}

pub(crate) fn is_static(lifetime: &Lifetime) -> bool {
    lifetime.ident == "static"
}

/// The `T` of a `&T` whose `T` is named.
pub(super) fn shared_referent(ty: &Type) -> Option<&Type> {
    match strip(ty) {
        Type::Reference(reference) if reference.mutability.is_none() => {
            impl_trait(&reference.elem).is_none().then_some(&*reference.elem)
        }
        _ => None,
    }
}

/// The first reference without a named lifetime, or `'_`, in a type.
pub(crate) fn anonymous_borrow(ty: &Type) -> Option<TokenStream> {
    struct Search(Option<TokenStream>);

    impl<'ast> Visit<'ast> for Search {
        fn visit_type_reference(&mut self, reference: &'ast TypeReference) {
            if reference.lifetime.is_none() {
                self.0.get_or_insert_with(|| quote!(#reference));
            }
            syn::visit::visit_type_reference(self, reference);
        }

        fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
            if lifetime.ident == "_" {
                self.0.get_or_insert_with(|| quote!(#lifetime));
            }
        }

        // References in the signature of a function pointer or an `Fn(..)` belong to its callers.
        fn visit_type_fn_ptr(&mut self, _: &'ast syn::TypeFnPtr) {}
        fn visit_parenthesized_generic_arguments(&mut self, _: &'ast syn::ParenthesizedGenericArguments) {}
    }

    let mut search = Search(None);
    search.visit_type(ty);
    search.0
}

/// The first `impl Trait` in a type.
pub(super) fn impl_trait(ty: &Type) -> Option<TokenStream> {
    struct Search(Option<TokenStream>);

    impl<'ast> Visit<'ast> for Search {
        fn visit_type_impl_trait(&mut self, opaque: &'ast syn::TypeImplTrait) {
            self.0.get_or_insert_with(|| quote!(#opaque));
        }
    }

    let mut search = Search(None);
    search.visit_type(ty);
    search.0
}

/// The lifetimes that a type names.
pub(super) fn lifetimes(ty: &Type) -> Vec<&Lifetime> {
    struct Search<'ast>(Vec<&'ast Lifetime>);

    impl<'ast> Visit<'ast> for Search<'ast> {
        fn visit_lifetime(&mut self, lifetime: &'ast Lifetime) {
            self.0.push(lifetime);
        }
    }

    let mut search = Search(Vec::new());
    search.visit_type(ty);
    search.0
}

/// A type, spaced as rustfmt would.
pub(super) fn display(ty: &Type) -> String {
    let tokens = quote!(#ty).to_string();
    let tight =
        [(" < ", "<"), ("< ", "<"), (" >", ">"), (" :: ", "::"), (":: ", "::"), ("& ", "&"), (" ,", ",")];
    tight.iter().fold(tokens, |text, (loose, tight)| text.replace(loose, tight))
}
