//! A stage → the struct that stands for it, and what the runtime needs to know of it.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{
    Attribute, GenericArgument, GenericParam, Generics, ItemFn, PathArguments, Token, Type, WherePredicate,
    parse_quote,
};

use super::model::{Argument, Output, Stage, shared_attributes};
use super::passing::{PassMode, strip};
use super::{call_impls, fork_impls};
use crate::codegen::respan;
use crate::crate_path::CratePath;
use crate::policy::{self, Asyncness};

pub(crate) fn stage(stage: &Stage) -> TokenStream {
    let struct_definition = struct_definition(stage);
    let impls = [
        accepts_impl(stage),
        policy_impls(stage),
        stage_impl(stage),
        call_impls::function_impl(stage),
        call_impls::repeat_impl(stage),
        call_impls::attempts_impls(stage),
        fork_impls::fork_impls(stage),
    ];
    let cfgs = cfgs(&stage.attributes);
    quote! {
        #struct_definition
        #(#cfgs)*
        #[allow(deprecated, unused, unused_qualifications, clippy::all, clippy::pedantic, clippy::nursery, clippy::restriction)]
        const _: () = { #(#impls)* };
    }
}

/// What stands in for a stage whose signature is wrong, so that its uses are not reported too: it takes anything.
///
/// An error in the place of a type makes whatever depends on that type fall silent.
pub(crate) fn fallback(function: &ItemFn, crate_path: &CratePath, error: &TokenStream) -> TokenStream {
    let private = crate_path.private();
    let ItemFn { sig, vis, .. } = function;
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

fn struct_definition(stage: &Stage) -> TokenStream {
    let Stage { name, visibility, attributes, .. } = stage;
    let private = stage.crate_path.private();
    let generics = struct_generics(&stage.generics, &stage.crate_path);
    let phantom_type = phantom_type(&stage.generics);
    let limits = if stage.policy.is_limited() { quote!(Limited) } else { quote!(Unlimited) };
    let documented = attributes.iter().any(|attribute| attribute.path().is_ident("doc"));
    let docs = (!documented).then(|| {
        let docs = format!("The stage of the function `{name}`.");
        quote!(#[doc = #docs])
    });
    let cfgs = cfgs(attributes);
    let (bounds, arguments, _) = generics.split_for_impl();
    let at = name.span();
    quote_spanned! {at=>
        #docs
        #(#attributes)*
        #[allow(non_camel_case_types, dead_code, missing_debug_implementations, clippy::type_complexity)]
        #visibility struct #name #generics {
            __stage: #private::Token<#phantom_type, #private::#limits>,
        }
        #(#cfgs)*
        #[allow(deprecated, dead_code)]
        impl #bounds #name #arguments {
            /// One use of the stage in a pipeline, with limits of its own.
            #[doc(hidden)]
            #[must_use]
            #visibility fn stage() -> Self {
                #name { __stage: #private::Default::default() }
            }
        }
        #(#cfgs)*
        #[allow(deprecated)]
        impl #bounds #private::Clone for #name #arguments {
            fn clone(&self) -> Self {
                #name { __stage: #private::Clone::clone(&self.__stage) }
            }
        }
    }
}

fn accepts_impl(stage: &Stage) -> TokenStream {
    let Stage { name, .. } = stage;
    let private = stage.crate_path.private();
    let any_instance = any_instance(name, &stage.generics);
    let any_instance = quote_spanned!(name.span()=> <#any_instance>);
    let input = stage.input_type();
    let output = value_type(stage);
    let (generics, _, clause) = stage.generics.split_for_impl();
    let arguments = type_arguments(&stage.generics);
    let at = name.span();
    quote_spanned! {at=>
        impl #generics #private::Accepts<#input> for #name #arguments #clause {
            type Out = #output;
            fn __register(&mut self, plan: &mut #private::Plan) {
                self.__stage.step = plan.stage(#any_instance::__POLICY);
            }
            fn __label(&self) -> #private::Option<(&'static #private::str, #private::StepId)> {
                #private::Option::Some((#any_instance::__POLICY.name, self.__stage.step))
            }
        }
    }
}

fn policy_impls(stage: &Stage) -> TokenStream {
    let Stage { name, visibility, policy, .. } = stage;
    let private = stage.crate_path.private();
    let any_instance = any_instance(name, &stage.generics);
    let interruptible = stage.asyncness == Asyncness::Async || stage.is_blocking();
    let constant = policy::policy_constant(policy, name, interruptible, &stage.crate_path);
    let error = error_type(stage);
    let (generics, _, clause) = stage.generics.split_for_impl();
    let arguments = type_arguments(&stage.generics);
    let at = name.span();
    quote_spanned! {at=>
        impl #any_instance {
            #[doc(hidden)]
            #visibility const __POLICY: #private::Policy = #constant;
        }
        impl #generics #private::StageFn for #name #arguments #clause {
            type Error = #error;
            type __This = Self;
            const __POLICY: #private::Policy = <#any_instance>::__POLICY;
            fn __this(self) -> Self { self }
        }
    }
}

/// The stage itself: the function under its policy.
fn stage_impl(stage: &Stage) -> TokenStream {
    let Stage { name, policy, .. } = stage;
    let private = stage.crate_path.private();
    let input = stage.input_type();
    let mut generics = generics_with_state(stage);
    generics.make_where_clause().predicates.extend(split_bounds(stage));
    let (generics, _, clause) = generics.split_for_impl();
    let arguments = type_arguments(&stage.generics);
    let at = name.span();
    let own_policy = quote_spanned!(at=> <Self as #private::StageFn>::__POLICY);
    let call = if policy.is_bare() {
        quote_spanned!(at=> #private::bare(self, self.__stage.step, input, cx))
    } else if policy.splits() {
        let attempts = quote_spanned!(at=> <Self as #private::Attempts<#input>>::own());
        quote_spanned!(at=> #private::splitting(self, #attempts, const { &#own_policy }, self.__stage.step, &self.__stage.limits, input, cx))
    } else if policy.retries() {
        let attempts = quote_spanned!(at=> <Self as #private::Attempts<#input>>::own());
        quote_spanned!(at=> #private::retrying(self, #attempts, const { &#own_policy }, self.__stage.step, &self.__stage.limits, input, cx))
    } else {
        quote_spanned!(at=> #private::single(self, const { &#own_policy }, self.__stage.step, &self.__stage.limits, input, cx))
    };
    let at = name.span();
    quote_spanned! {at=>
        impl #generics #private::Stage<#input, __S> for #name #arguments #clause {
            #[inline]
            fn call(
                &self,
                input: #input,
                cx: &#private::StageContext<'_, __S>,
            ) -> impl #private::Future<Output = #private::Result<Self::Out, #private::StageError>> + #private::Send {
                #call
            }
        }
    }
}

/// Reported at the types of the parameters, and taken for granted from then on.
pub(crate) fn inputs_are_send(stage: &Stage) -> impl Iterator<Item = WherePredicate> {
    let private = stage.crate_path.private();
    stage.inputs().map(move |input| {
        let owned = &input.owned;
        // What is lent is looked at from wherever its future is.
        let shared = (input.pass_mode == PassMode::Borrow).then(|| quote!(+ #private::Sync));
        let send = respan(quote!(#private::Send #shared), owned.span());
        let bound = quote_spanned!(owned.span()=> #owned: #send);
        parse_quote!(#bound)
    })
}

/// What a stage with `split_on_failure` asks of its types: reported there, and taken for granted from then on.
pub(crate) fn split_bounds(stage: &Stage) -> Vec<WherePredicate> {
    if !stage.policy.splits() {
        return Vec::new();
    }
    let private = stage.crate_path.private();
    let output = value_type(stage);
    let bounds = stage.inputs().map(|input| {
        let owned = &input.owned;
        let rows = respan(quote!(#private::Rows), owned.span());
        quote_spanned!(owned.span()=> #owned: #rows)
    });
    let written = match &stage.output {
        Output::Fallible(ty) | Output::Infallible(ty) => ty.span(),
    };
    let merge = respan(quote!(#private::Merge), written);
    let bounds = bounds.chain([quote_spanned!(written=> #output: #merge)]);
    bounds.map(|bound| parse_quote!(#bound)).collect()
}

/// What comes out when all goes well.
pub(crate) fn value_type(stage: &Stage) -> TokenStream {
    let private = stage.crate_path.private();
    match &stage.output {
        Output::Fallible(ty) => quote_spanned!(ty.span()=> <#ty as #private::Returns>::Value),
        Output::Infallible(ty) => quote!(#ty),
    }
}

fn error_type(stage: &Stage) -> TokenStream {
    let private = stage.crate_path.private();
    match &stage.output {
        Output::Fallible(ty) => {
            let at = explicit_error_type(ty).map_or_else(|| ty.span(), Spanned::span);
            quote_spanned!(at=> <#ty as #private::Returns>::Error)
        }
        Output::Infallible(_) => quote!(#private::Infallible),
    }
}

/// The `E` of a `Result<T, E>` that is written out.
fn explicit_error_type(ty: &Type) -> Option<&Type> {
    let Type::Path(path) = strip(ty) else { return None };
    match &path.path.segments.last()?.arguments {
        PathArguments::AngleBracketed(arguments) => match arguments.args.last()? {
            GenericArgument::Type(error) if arguments.args.len() == 2 => Some(error),
            _ => None,
        },
        _ => None,
    }
}

/// The function's generics, and a state `__S` that has what the function asks for.
pub(crate) fn generics_with_state(stage: &Stage) -> Generics {
    let private = stage.crate_path.private();
    let mut generics = stage.generics.clone();
    generics.params.push(parse_quote!(__S));
    let clause = generics.make_where_clause();
    clause.predicates.push(parse_quote!(__S: #private::Send + #private::Sync));
    if stage.is_blocking() && stage.uses_state() {
        clause.predicates.push(parse_quote!(__S: 'static));
    }
    clause.predicates.extend(inputs_are_send(stage));
    for argument in &stage.arguments {
        if let Argument::State { ty } = argument {
            // Where the state lacks it, rustc shows these tokens: the parameter's type.
            let provide = stage.crate_path.respanned(ty.span());
            let provide = provide.private();
            let provide = quote_spanned!(ty.span()=> __S: #provide::Provide<#ty>);
            clause.predicates.push(parse_quote!(#provide));
        }
    }
    generics
}

/// The struct's own parameters: the function's types and constants, with no bounds. Lifetimes belong to inputs.
fn struct_generics(generics: &Generics, crate_path: &CratePath) -> Generics {
    let private = crate_path.private();
    let parameters = generics.params.iter().filter_map(|parameter| -> Option<GenericParam> {
        match parameter {
            GenericParam::Lifetime(_) => None,
            GenericParam::Type(parameter) => {
                let name = &parameter.ident;
                Some(parse_quote!(#name: ?#private::Sized))
            }
            GenericParam::Const(parameter) => {
                let (name, ty) = (&parameter.ident, &parameter.ty);
                Some(parse_quote!(const #name: #ty))
            }
        }
    });
    let parameters: Punctuated<GenericParam, Token![,]> = parameters.collect();
    if parameters.is_empty() {
        return Generics::default();
    }
    parse_quote!(<#parameters>)
}

/// `<T, N>`, or nothing.
pub(crate) fn type_arguments(generics: &Generics) -> TokenStream {
    let names = generics.params.iter().filter_map(|parameter| match parameter {
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(parameter) => Some(&parameter.ident),
        GenericParam::Const(parameter) => Some(&parameter.ident),
    });
    let mut names = names.peekable();
    match names.peek() {
        Some(_) => quote!(<#(#names),*>),
        None => TokenStream::new(),
    }
}

/// One instance of the struct, to ask for what is the same in all of them: a path without arguments finds it.
fn any_instance(name: &Ident, generics: &Generics) -> TokenStream {
    let arguments = generics.params.iter().filter_map(|parameter| match parameter {
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(_) => Some(quote!(())),
        // The types that constants can have today.
        GenericParam::Const(parameter) => Some(match parameter.ty.to_token_stream().to_string().as_str() {
            "bool" => quote!(false),
            "char" => quote!('_'),
            _ => quote!(0),
        }),
    });
    let mut arguments = arguments.peekable();
    match arguments.peek() {
        Some(_) => quote!(#name<#(#arguments),*>),
        None => quote!(#name),
    }
}

/// A type that mentions each type parameter, and holds none.
fn phantom_type(generics: &Generics) -> TokenStream {
    let names = generics.type_params().map(|parameter| &parameter.ident);
    quote!((#(*const #names,)*))
}

fn cfgs(attributes: &[Attribute]) -> Vec<&Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect()
}
