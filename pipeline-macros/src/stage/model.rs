//! A function, as its stage is generated from it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::spanned::Spanned;
use syn::{Attribute, Generics, PathArguments, ReturnType, Signature, Type, Visibility};

use super::parse::{Function, Parameter, asyncness};
use super::passing::{self, PassMode};
use super::types::{shared_referent, strip};
use crate::crate_path::CratePath;
use crate::policy::{Asyncness, Policy};

pub(crate) struct Stage {
    pub(crate) name: Ident,
    pub(crate) visibility: Visibility,
    /// The attributes that the struct has too.
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
        /// The span of its type.
        at: Span,
    },
}

/// A part of the input.
pub(crate) struct Input {
    /// Its variable in generated code.
    pub(crate) variable: Ident,
    /// The type that the stage takes.
    pub(crate) owned: Type,
    pub(crate) pass_mode: PassMode,
}

/// The return type of the function.
pub(crate) struct Output {
    /// As it is written.
    pub(crate) ty: Type,
    pub(crate) kind: OutputKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OutputKind {
    Infallible,
    /// A `Result` with its arguments, or a type with parameters of the function and the option `fallible`.
    Fallible,
    /// A type that may turn out to be none: `Result` without arguments, or any type with the option `fallible`. It is checked
    /// before anything depends on it, so that it is reported once.
    CheckedFallible,
}

impl Output {
    pub(crate) fn is_fallible(&self) -> bool {
        self.kind != OutputKind::Infallible
    }

    pub(crate) fn is_checked(&self) -> bool {
        self.kind == OutputKind::CheckedFallible
    }
}

impl Stage {
    /// `None` if `check` refuses a parameter.
    pub(crate) fn new(function: &Function, parameters: &[Parameter], policy: Policy) -> Option<Self> {
        // rustc shows errors in generated code at the function's name.
        let crate_path = policy.crate_path().respanned(function.sig.ident.span());
        let arguments = parameters.iter().enumerate();
        let arguments: Option<Vec<_>> =
            arguments.map(|(index, parameter)| argument(index, parameter, &crate_path)).collect();
        let arguments = arguments?;
        let owned: Vec<_> = arguments.iter().filter_map(Argument::input).map(|input| &input.owned).collect();
        Some(Self {
            name: function.sig.ident.clone(),
            visibility: function.vis.clone(),
            attributes: shared_attributes(function),
            generics: passing::owned_generics(&function.sig.generics, &owned),
            asyncness: asyncness(function),
            arguments,
            output: output(&function.sig, policy.fallible.is_some()),
            policy,
            crate_path,
        })
    }

    pub(crate) fn inputs(&self) -> impl Iterator<Item = &Input> + Clone {
        self.arguments.iter().filter_map(Argument::input)
    }

    /// What the stage takes.
    pub(crate) fn input_type(&self) -> TokenStream {
        one_or_tuple(self.inputs().map(|input| &input.owned))
    }

    /// The pattern that destructures a value of `input_type`, or a reference to one.
    pub(crate) fn input_pattern(&self) -> TokenStream {
        one_or_tuple(self.inputs().map(|input| &input.variable))
    }

    /// The inputs that the function takes by value, which have to be cloned for another attempt.
    pub(crate) fn moved(&self) -> impl Iterator<Item = &Input> + Clone {
        self.inputs().filter(|input| input.pass_mode == PassMode::Move)
    }

    /// The inputs that the function borrows.
    pub(crate) fn borrowed(&self) -> impl Iterator<Item = &Input> + Clone {
        self.inputs().filter(|input| input.pass_mode == PassMode::Borrow)
    }

    /// Whether the function takes state.
    pub(crate) fn uses_state(&self) -> bool {
        self.arguments.iter().any(|argument| matches!(argument, Argument::State { .. }))
    }

    /// Whether the function takes the context of its item.
    pub(crate) fn uses_context(&self) -> bool {
        self.arguments.iter().any(|argument| matches!(argument, Argument::Context { .. }))
    }

    /// Whether a call can borrow what the function takes by reference from its caller: not if another thread needs it, if
    /// it may be halved, or if its type has a lifetime.
    pub(crate) fn can_borrow(&self) -> bool {
        !self.is_blocking() && !self.policy.splits() && self.generics.lifetimes().next().is_none()
    }

    pub(crate) fn is_blocking(&self) -> bool {
        self.policy.blocking.is_some()
    }
}

impl Argument {
    fn input(&self) -> Option<&Input> {
        match self {
            Self::Input(input) => Some(input),
            Self::State { .. } | Self::Context { .. } => None,
        }
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

/// `None` for a parameter that `check` refuses.
fn argument(index: usize, parameter: &Parameter, crate_path: &CratePath) -> Option<Argument> {
    match parameter {
        Parameter::Receiver(_) => None,
        Parameter::Input(typed) => {
            let (owned, pass_mode) = passing::owned_input(&typed.ty, crate_path);
            Some(Argument::Input(Input { variable: format_ident!("__input{index}"), owned, pass_mode }))
        }
        Parameter::State(typed) => {
            let ty = shared_referent(&typed.ty)?.clone();
            Some(Argument::State { ty })
        }
        Parameter::Context(typed) => {
            let ty = shared_referent(&typed.ty)?;
            Some(Argument::Context { at: ty.span() })
        }
    }
}

/// Whether the function can return an error.
pub(super) fn is_fallible(signature: &Signature, policy: &Policy) -> bool {
    output(signature, policy.fallible.is_some()).is_fallible()
}

fn output(signature: &Signature, fallible: bool) -> Output {
    let ty = match &signature.output {
        ReturnType::Default => syn::parse_quote!(()),
        ReturnType::Type(_, ty) => (**ty).clone(),
    };
    let named = result_arguments(&ty);
    // The check is a constant, which cannot name the parameters of the function.
    let generic = signature.generics.type_params().next().is_some()
        || signature.generics.const_params().next().is_some();
    let kind = match named {
        Some(PathArguments::AngleBracketed(_)) => OutputKind::Fallible,
        Some(_) if generic => OutputKind::Fallible,
        None if generic && fallible => OutputKind::Fallible,
        Some(_) => OutputKind::CheckedFallible,
        None if fallible => OutputKind::CheckedFallible,
        None => OutputKind::Infallible,
    };
    Output { ty, kind }
}

/// The arguments of a type that is called `Result`. By its name, so that `io::Result<T>` and `anyhow::Result<T>` count.
fn result_arguments(ty: &Type) -> Option<&PathArguments> {
    match strip(ty) {
        Type::Path(path) if path.qself.is_none() => {
            let last = path.path.segments.last()?;
            let parenthesized = matches!(last.arguments, PathArguments::Parenthesized(_));
            (last.ident == "Result" && !parenthesized).then_some(&last.arguments)
        }
        _ => None,
    }
}

/// The attributes of the function that the struct has too: docs, `cfg` and lint levels.
pub(crate) fn shared_attributes(function: &Function) -> Vec<Attribute> {
    let shared = ["doc", "cfg", "allow", "warn", "deny", "forbid", "deprecated"];
    let carried = function.attrs.iter();
    let carried = carried.filter(|attribute| shared.iter().any(|name| attribute.path().is_ident(name)));
    carried.cloned().collect()
}
