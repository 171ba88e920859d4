//! The generics, bounds and types that the impls of a stage have in common.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{
    Attribute, GenericArgument, GenericParam, Generics, PathArguments, Token, Type, WherePredicate,
    parse_quote,
};

use crate::codegen::respan;
use crate::crate_path::CratePath;
use crate::stage::model::{Argument, Stage};
use crate::stage::passing::PassMode;
use crate::stage::types::strip;

/// Bounds that are reported at the types of the parameters, and nowhere else.
pub(super) fn inputs_are_send(stage: &Stage) -> impl Iterator<Item = WherePredicate> {
    let private = stage.crate_path.private();
    stage.inputs().map(move |input| {
        let owned = &input.owned;
        // A borrowed input is read from whichever thread polls the future.
        let shared = (input.pass_mode == PassMode::Borrow).then(|| quote!(+ #private::Sync));
        let send = respan(quote!(#private::Send #shared), owned.span());
        let bound = quote_spanned!(owned.span()=> #owned: #send);
        parse_quote!(#bound)
    })
}

/// The bounds of `split_on_failure`, which are reported at the types of the function.
pub(super) fn split_bounds(stage: &Stage) -> Vec<WherePredicate> {
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
    let written = stage.output.ty.span();
    let merge = respan(quote!(#private::Merge), written);
    let bounds = bounds.chain([quote_spanned!(written=> #output: #merge)]);
    bounds.map(|bound| parse_quote!(#bound)).collect()
}

/// The type of a successful output.
pub(super) fn value_type(stage: &Stage) -> TokenStream {
    let private = stage.crate_path.private();
    let ty = &stage.output.ty;
    if !stage.output.is_fallible() {
        return quote!(#ty);
    }
    let returned = returned_type(stage);
    quote_spanned!(ty.span()=> <#returned as #private::Returns>::Value)
}

pub(super) fn error_type(stage: &Stage) -> TokenStream {
    let private = stage.crate_path.private();
    if !stage.output.is_fallible() {
        return quote!(#private::Infallible);
    }
    let ty = &stage.output.ty;
    let returned = returned_type(stage);
    let at = explicit_error_type(ty).map_or_else(|| ty.span(), Spanned::span);
    quote_spanned!(at=> <#returned as #private::Returns>::Error)
}

/// The type that a fallible function returns, or the alias of its check.
fn returned_type(stage: &Stage) -> TokenStream {
    let ty = &stage.output.ty;
    if stage.output.is_checked() { quote_spanned!(ty.span()=> __Returned) } else { quote!(#ty) }
}

/// The alias `__Returned` of a type that may turn out to be no `Result`.
///
/// Its check is a constant in the type: an error in it makes the type an error, and what depends on it is not reported.
pub(super) fn returned_alias(stage: &Stage) -> Option<TokenStream> {
    let ty = &stage.output.ty;
    let private = stage.crate_path.respanned(ty.span());
    let private = private.private();
    let check =
        quote_spanned!(ty.span()=> #private::CheckedResult<#ty, { <#ty as #private::Returns>::CHECKED }>);
    stage.output.is_checked().then(|| quote_spanned!(ty.span()=> type __Returned = #check;))
}

/// A check that an infallible function returns no `Result` under another name.
pub(super) fn returned_check(stage: &Stage) -> Option<TokenStream> {
    let ty = &stage.output.ty;
    if stage.output.is_fallible() || is_plain(ty) {
        return None;
    }
    let at = ty.span();
    let private = stage.crate_path.respanned(at);
    let private = private.private();
    let (generics, _, clause) = stage.generics.split_for_impl();
    let edge = quote_spanned!(at=> #private::EdgeType::<#ty>::new());
    let mut integer = Literal::usize_unsuffixed(0);
    integer.set_span(Span::mixed_site().located_at(at));
    let check = quote_spanned!(at=> #private::ReturnsNoResult::__check(#edge, #integer));
    Some(quote!(fn __check_returned #generics () #clause { #check }))
}

/// A constant that says whether the function returns a future. Of a generic one nobody knows.
pub(super) fn returns_future(stage: &Stage) -> Option<TokenStream> {
    let ty = &stage.output.ty;
    let is_generic = stage.generics.params.iter().next().is_some();
    if stage.output.is_fallible() || is_generic || is_plain(ty) {
        return None;
    }
    let private = stage.crate_path.private();
    // Not within an impl: rustc would report a type that does not exist again, with advice about the impl.
    Some(quote! {
        const __RETURNS_FUTURE: #private::bool = {
            use #private::NoFuture as _;
            <#private::IsFuture<#ty>>::ANSWER
        };
    })
}

/// Whether a type certainly is no alias: none that users name themselves.
fn is_plain(ty: &Type) -> bool {
    const PLAIN: [&str; 29] = [
        "bool", "char", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128",
        "isize", "f32", "f64", "String", "Vec", "Option", "Box", "Arc", "HashMap", "HashSet", "BTreeMap",
        "BTreeSet", "VecDeque", "PathBuf", "Duration", "Bytes",
    ];
    match strip(ty) {
        Type::Path(path) => {
            path.qself.is_none()
                && path.path.segments.last().is_some_and(|last| PLAIN.iter().any(|name| last.ident == name))
        }
        Type::Tuple(_) | Type::Array(_) | Type::Reference(_) | Type::Slice(_) => true,
        _ => false,
    }
}

/// The `E` of a type that is written as `Result<T, E>`.
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

/// The function's generics, and a state `__S` that provides what the function takes.
pub(super) fn generics_with_state(stage: &Stage) -> Generics {
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
            // If the state lacks it, rustc shows these tokens: the parameter's type.
            let provide = stage.crate_path.respanned(ty.span());
            let provide = provide.private();
            let provide = quote_spanned!(ty.span()=> __S: #provide::Provide<#ty>);
            clause.predicates.push(parse_quote!(#provide));
        }
    }
    generics
}

/// The parameters of the struct: the function's types and constants, without bounds. Lifetimes belong to inputs.
pub(super) fn struct_generics(generics: &Generics, crate_path: &CratePath) -> Generics {
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
pub(super) fn type_arguments(generics: &Generics) -> TokenStream {
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

/// One instance of the struct, with the constants that all have in common: a path without arguments resolves to it.
pub(super) fn any_instance(name: &Ident, generics: &Generics) -> TokenStream {
    let arguments = generics.params.iter().filter_map(|parameter| match parameter {
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(_) => Some(quote!(())),
        // By the types that const parameters can have.
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

/// A type that uses each type parameter, and holds no value.
pub(super) fn phantom_type(generics: &Generics) -> TokenStream {
    let names = generics.type_params().map(|parameter| &parameter.ident);
    quote!((#(*const #names,)*))
}

pub(super) fn cfgs(attributes: &[Attribute]) -> Vec<&Attribute> {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect()
}

/// These generics, and a mechanism `__C` that can call the stage: its bound stands at the type that the function returns.
///
/// The output is named by its trait, not by its type: a type that does not exist is reported once, where it is written.
pub(super) fn generics_with_caller(stage: &Stage, mut generics: Generics) -> Generics {
    let private = stage.crate_path.private();
    let input = stage.input_type();
    generics.params.push(parse_quote!(__C));
    let at = stage.output.ty.span();
    let caller = respan(quote!(#private::Caller<Self, #input, <Self as #private::Accepts<#input>>::Out>), at);
    generics.make_where_clause().predicates.push(parse_quote!(__C: #caller));
    generics
}
