//! A function as a stage sees it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::spanned::Spanned;
use syn::{Attribute, Generics, ItemFn, Path, PathArguments, ReturnType, Type, Visibility};

use super::check;
use super::parse::Parameter;
use super::passing::{self, PassMode};
use crate::crate_path::CratePath;
use crate::diagnostics::Diagnostics;
use crate::policy::{Asyncness, Policy};

/// All that the expansion needs to know.
pub(crate) struct Stage {
    pub(crate) name: Ident,
    pub(crate) visibility: Visibility,
    /// The attributes that the struct shares with the function.
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) generics: Generics,
    pub(crate) asyncness: Asyncness,
    /// In the order of the parameters.
    pub(crate) arguments: Vec<Argument>,
    pub(crate) output: Output,
    pub(crate) policy: Policy,
    pub(crate) crate_path: CratePath,
}

/// Where the argument of a parameter comes from.
pub(crate) enum Argument {
    Input(Input),
    State {
        ty: Type,
    },
    Context {
        /// Where its type stands.
        at: Span,
    },
}

/// A part of the stage's input.
pub(crate) struct Input {
    /// The variable that holds it in generated code.
    pub(crate) variable: Ident,
    /// What the stage takes.
    pub(crate) owned: Type,
    pub(crate) pass_mode: PassMode,
}

/// What the function returns.
pub(crate) enum Output {
    /// A `Result`, by its name.
    Fallible(Type),
    Infallible(Type),
}

impl Stage {
    /// `None` if a parameter could not be understood; the diagnostics say why.
    pub(crate) fn new(
        function: &ItemFn,
        parameters: &[Parameter],
        policy: Policy,
        diagnostics: &mut Diagnostics,
    ) -> Option<Self> {
        // What rustc shows of generated code, it shows at the function's name.
        let crate_path = policy.crate_path().respanned(function.sig.ident.span());
        let mut arguments = Some(Vec::new());
        for (index, parameter) in parameters.iter().enumerate() {
            let argument = argument(index, parameter, &crate_path, diagnostics);
            arguments = arguments.zip(argument).map(|(mut arguments, argument)| {
                arguments.push(argument);
                arguments
            });
        }
        let arguments = arguments?;
        Some(Self {
            name: function.sig.ident.clone(),
            visibility: function.vis.clone(),
            attributes: shared_attributes(function),
            generics: passing::owned_generics(&function.sig.generics, &arguments),
            asyncness: check::asyncness(function),
            arguments,
            output: output(&function.sig.output),
            policy,
            crate_path,
        })
    }

    pub(crate) fn inputs(&self) -> impl Iterator<Item = &Input> + Clone {
        self.arguments.iter().filter_map(|argument| match argument {
            Argument::Input(input) => Some(input),
            Argument::State { .. } | Argument::Context { .. } => None,
        })
    }

    /// What the stage takes.
    pub(crate) fn input_type(&self) -> TokenStream {
        one_or_tuple(self.inputs().map(|input| &input.owned))
    }

    /// The pattern that takes a value of `input_type`, or a reference to one, apart.
    pub(crate) fn input_pattern(&self) -> TokenStream {
        one_or_tuple(self.inputs().map(|input| &input.variable))
    }

    /// The inputs that move into the function, and so have to be cloned for another attempt.
    pub(crate) fn moved(&self) -> impl Iterator<Item = &Input> + Clone {
        self.inputs().filter(|input| input.pass_mode == PassMode::Move)
    }

    /// The inputs that the stage keeps and lends.
    pub(crate) fn borrowed(&self) -> impl Iterator<Item = &Input> + Clone {
        self.inputs().filter(|input| input.pass_mode == PassMode::Borrow)
    }

    /// Whether the function asks for any state.
    pub(crate) fn uses_state(&self) -> bool {
        self.arguments.iter().any(|argument| matches!(argument, Argument::State { .. }))
    }

    /// Whether the function asks for its item.
    pub(crate) fn uses_context(&self) -> bool {
        self.arguments.iter().any(|argument| matches!(argument, Argument::Context { .. }))
    }

    /// Whether a call can borrow what the function takes by reference: not if another thread takes it along, if it is to
    /// be cut in halves, or if a lifetime in it is known by its type alone.
    pub(crate) fn can_borrow(&self) -> bool {
        !self.is_blocking() && !self.policy.splits() && self.generics.lifetimes().next().is_none()
    }

    pub(crate) fn is_blocking(&self) -> bool {
        self.policy.blocking.is_some()
    }
}

/// Nothing, one thing, or a tuple.
pub(crate) fn one_or_tuple<T: ToTokens>(parts: impl Iterator<Item = T>) -> TokenStream {
    let mut parts: Vec<T> = parts.collect();
    match (parts.pop(), parts.as_slice()) {
        (None, _) => quote!(()),
        (Some(one), []) => quote!(#one),
        (Some(last), before) => quote!((#(#before,)* #last)),
    }
}

fn argument(
    index: usize,
    parameter: &Parameter,
    crate_path: &CratePath,
    diagnostics: &mut Diagnostics,
) -> Option<Argument> {
    match parameter {
        Parameter::Receiver(_) => {
            check::receiver(parameter, diagnostics);
            None
        }
        Parameter::Input(typed) => {
            check::input(typed, diagnostics);
            let (owned, pass_mode) = passing::owned(&typed.ty, crate_path);
            Some(Argument::Input(Input { variable: format_ident!("__input{index}"), owned, pass_mode }))
        }
        Parameter::State(typed) => {
            let ty = check::borrowed_parameter(typed, "state", diagnostics)?.clone();
            Some(Argument::State { ty })
        }
        Parameter::Context(typed) => {
            let ty = check::borrowed_parameter(typed, "context", diagnostics)?;
            Some(Argument::Context { at: ty.span() })
        }
    }
}

fn output(output: &ReturnType) -> Output {
    match output {
        ReturnType::Default => Output::Infallible(syn::parse_quote!(())),
        ReturnType::Type(_, ty) => match passing::strip(ty) {
            Type::Path(path) if path.qself.is_none() && is_result(&path.path) => {
                Output::Fallible((**ty).clone())
            }
            _ => Output::Infallible((**ty).clone()),
        },
    }
}

/// By its name, so that `io::Result<T>` and `anyhow::Result<T>` count.
fn is_result(path: &Path) -> bool {
    path.segments.last().is_some_and(|segment| {
        segment.ident == "Result" && !matches!(segment.arguments, PathArguments::Parenthesized(_))
    })
}

/// Docs, the configuration that the item exists under, and the lints that hold for it.
pub(crate) fn shared_attributes(function: &ItemFn) -> Vec<Attribute> {
    let shared = ["doc", "cfg", "allow", "warn", "deny", "forbid", "deprecated"];
    let carried =
        function.attrs.iter().filter(|attribute| shared.iter().any(|name| attribute.path().is_ident(name)));
    carried.cloned().collect()
}
