//! The struct of a function that cannot be a stage.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse_quote;

use super::generics::{any_instance, cfgs, phantom_type, struct_generics};
use crate::crate_path::CratePath;
use crate::stage::model::shared_attributes;
use crate::stage::parse::Function;

/// The struct of a stage whose signature is wrong. It takes anything, so that its uses are not reported too.
///
/// An error in the place of a type silences errors in whatever depends on that type.
pub(crate) fn fallback(function: &Function, crate_path: &CratePath, error: &TokenStream) -> TokenStream {
    let private = crate_path.private();
    let Function { sig, vis, .. } = function;
    let name = &sig.ident;
    let attributes = shared_attributes(function);
    let cfgs = cfgs(&attributes);
    let generics = struct_generics(&sig.generics, crate_path);
    let phantom_type = phantom_type(&sig.generics);
    let (bounds, arguments, _) = generics.split_for_impl();
    let mut accepting = generics.clone();
    accepting.params.push(parse_quote!(__In));
    let (accepting, _, _) = accepting.split_for_impl();
    let mut counted = generics.clone();
    counted.params.push(parse_quote!(const __N: usize));
    let (counted, _, _) = counted.split_for_impl();
    let any_instance = any_instance(name, &sig.generics);
    quote! {
        #(#cfgs)*
        #[doc(hidden)]
        #[allow(non_camel_case_types, dead_code)]
        #vis struct #name #generics {
            __stage: #private::Token<#phantom_type, #private::Unlimited>,
        }
        #(#cfgs)*
        #[allow(unused)]
        impl #bounds #name #arguments {
            #vis fn stage() -> Self {
                #name { __stage: #private::Default::default() }
            }
        }
        #(#cfgs)*
        #[allow(unused)]
        const _: () = {
            impl #accepting #private::Accepts<__In> for #name #arguments {
                type Out = [(); { #error }];
            }
            impl #any_instance {
                #vis const __POLICY: #private::Policy = #private::Policy::ANY;
            }
            impl #counted #private::Arity<__N> for #name #arguments {
                // A type with the error in it: what depends on it is not reported.
                type __This = <Self as #private::Accepts<()>>::Out;
                fn __arity(self) -> Self::__This { ::core::unreachable!() }
            }
            impl #bounds #private::StageFn for #name #arguments {
                type Error = #private::Infallible;
                type __This = Self;
                const __POLICY: #private::Policy = #private::Policy::new("");
                fn __this(self) -> Self { self }
            }
        };
    }
}
