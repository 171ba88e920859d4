//! `#[derive(Provide)]`: each field provides its type.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Field, Index, Member};

use crate::crate_path::CratePath;
use crate::dependency;
use crate::diagnostics::Diagnostics;
use crate::nesting;

pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::default();
    let parsed = nesting::check(&input).and_then(|()| syn::parse2::<DeriveInput>(input));
    let impls = match parsed {
        Ok(input) => impls(&input, &mut diagnostics),
        Err(error) => {
            diagnostics.push(error);
            TokenStream::new()
        }
    };
    let errors = diagnostics.into_errors();
    quote!(#impls #(#errors)*)
}

fn impls(input: &DeriveInput, diagnostics: &mut Diagnostics) -> TokenStream {
    let Data::Struct(data) = &input.data else {
        diagnostics
            .error(&input.ident, "only a struct can derive `Provide`: each of its fields is a resource");
        return TokenStream::new();
    };
    let crate_path = match crate_path(input, diagnostics) {
        Some(path) => path,
        None => match dependency::missing("#[provide(crate = facade::pipeline)]") {
            None => CratePath::default(),
            Some(message) => {
                diagnostics.error(&input.ident, message);
                return TokenStream::new();
            }
        },
    };
    let private = crate_path.private();
    let name = &input.ident;
    let (generics, arguments, clause) = input.generics.split_for_impl();
    let mut seen: Vec<(String, Member)> = Vec::new();
    let mut impls = TokenStream::new();
    for (index, field) in data.fields.iter().enumerate() {
        if is_skipped(field, diagnostics) {
            continue;
        }
        let member = match &field.ident {
            Some(ident) => Member::Named(ident.clone()),
            None => Member::Unnamed(Index::from(index)),
        };
        let ty = &field.ty;
        let written = ty.to_token_stream().to_string();
        if let Some((_, first)) = seen.iter().find(|(known, _)| *known == written) {
            let first = first.to_token_stream();
            diagnostics.error(
                ty,
                format!(
                    "the field `{first}` already provides this type, and stages ask by type: wrap one in a \
                     newtype, or exclude one with `#[provide(skip)]`"
                ),
            );
            continue;
        }
        seen.push((written, member.clone()));
        impls.extend(quote_spanned! {ty.span()=>
            #[automatically_derived]
            impl #generics #private::Provide<#ty> for #name #arguments #clause {
                fn provide(&self) -> &#ty { &self.#member }
            }
        });
    }
    impls
}

/// `#[provide(crate = path)]` on the struct.
fn crate_path(input: &DeriveInput, diagnostics: &mut Diagnostics) -> Option<CratePath> {
    let mut crate_path = None;
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("provide")) {
        let parsed = attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("crate") {
                crate_path = Some(CratePath::new(&meta.value()?.parse()?));
                return Ok(());
            }
            Err(meta.error("expected `crate = path::to::pipeline`, the only `provide` option of a struct"))
        });
        if let Err(error) = parsed {
            diagnostics.push(error);
        }
    }
    crate_path
}

fn is_skipped(field: &Field, diagnostics: &mut Diagnostics) -> bool {
    let mut skipped = false;
    for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("provide")) {
        let parsed = attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("skip") {
                skipped = true;
                return Ok(());
            }
            Err(meta.error("expected `skip`, the only `provide` option of a field"))
        });
        if let Err(error) = parsed {
            diagnostics.push(error);
        }
    }
    skipped
}
