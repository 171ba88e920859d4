//! An item → a function and the roles of its parameters.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::ParseStream;
use syn::token::Brace;
use syn::{Attribute, FnArg, Item, PatType, Receiver, Signature, Token, Visibility};

use crate::diagnostics::Diagnostics;
use crate::nesting;
use crate::policy::Asyncness;

/// A parameter, by its role.
pub(crate) enum Parameter {
    Input(PatType),
    State(PatType),
    Context(PatType),
    /// `self`, which is refused.
    Receiver(Receiver),
}

/// A function, whose body is rustc's to read: a mistake there is reported once, and leaves the stage a stage.
pub(crate) struct Function {
    pub(crate) attrs: Vec<Attribute>,
    pub(crate) vis: Visibility,
    pub(crate) sig: Signature,
    /// With its braces.
    body: TokenTree,
}

impl ToTokens for Function {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let Self { attrs, vis, sig, body } = self;
        tokens.extend(quote::quote!(#(#attrs)* #vis #sig #body));
    }
}

pub(crate) fn function(input: ParseStream<'_>) -> syn::Result<Function> {
    nesting::check(&signature_tokens(input))?;
    let ahead = input.fork();
    let Err(error) = whole_function(&ahead) else {
        return whole_function(input);
    };
    let rest: TokenStream = input.parse()?;
    Err(match syn::parse2::<Item>(rest.clone()) {
        // A function without a body is verbatim to `syn`.
        Err(_) | Ok(Item::Verbatim(_)) => error,
        Ok(_) => syn::Error::new_spanned(rest, "`#[stage]` goes on a function: `#[stage] async fn …`"),
    })
}

/// All up to the body, which may be nested as deep as rustc can bear.
fn signature_tokens(input: ParseStream<'_>) -> TokenStream {
    let is_body =
        |token: &TokenTree| matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace);
    let tokens = input.cursor().token_stream();
    tokens.into_iter().take_while(|token| !is_body(token)).collect()
}

fn whole_function(input: ParseStream<'_>) -> syn::Result<Function> {
    let attrs = input.call(Attribute::parse_outer)?;
    let vis = input.parse()?;
    let sig: Signature = input.parse()?;
    if input.peek(Token![;]) {
        return Err(syn::Error::new_spanned(sig.ident, NO_BODY));
    }
    if !input.peek(Brace) {
        return Err(input.error("expected the body of the stage, `{ … }`"));
    }
    Ok(Function { attrs, vis, sig, body: input.parse()? })
}

const NO_BODY: &str = "a stage is a free function with a body: move it out of the trait, and take what it needs from the state, `#[state] app: &App`";

/// Removes `#[state]` and `#[context]` from the parameters.
pub(crate) fn split_parameters(
    mut function: Function,
    diagnostics: &mut Diagnostics,
) -> (Function, Vec<Parameter>) {
    let parameters = function.sig.inputs.iter_mut().map(|parameter| match parameter {
        FnArg::Receiver(receiver) => Parameter::Receiver(receiver.clone()),
        FnArg::Typed(typed) => classify(typed, diagnostics),
    });
    let parameters = parameters.collect();
    (function, parameters)
}

fn classify(typed: &mut PatType, diagnostics: &mut Diagnostics) -> Parameter {
    let (mut state, mut context) = (false, false);
    typed.attrs.retain(|attribute| {
        let role = match () {
            () if attribute.path().is_ident("state") => &mut state,
            () if attribute.path().is_ident("context") => &mut context,
            () => return true,
        };
        if *role {
            diagnostics.error(attribute, "this attribute is given twice");
        }
        if attribute.meta.require_path_only().is_err() {
            diagnostics
                .error(attribute, "this attribute takes no arguments: write `#[state]` or `#[context]`");
        }
        *role = true;
        false
    });
    if state && context {
        diagnostics.error(&*typed, "a parameter is either `#[state]` or `#[context]`");
    }
    match (state, context) {
        (true, _) => Parameter::State(typed.clone()),
        (false, true) => Parameter::Context(typed.clone()),
        (false, false) => Parameter::Input(typed.clone()),
    }
}

pub(crate) fn asyncness(function: &Function) -> Asyncness {
    match function.sig.asyncness {
        Some(_) => Asyncness::Async,
        None => Asyncness::Sync,
    }
}
