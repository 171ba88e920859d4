//! A path → the stage that it names, or an error in our words if it names none.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{GenericArgument, Path, PathArguments};

use crate::codegen::{call_at, respan};
use crate::crate_path::CratePath;
use crate::outer_names::{OWN_CRATE, PRELUDE_FUNCTIONS, PRIMITIVE_TYPES};
use crate::policy::{self, Policy};

/// The value of the stage at a path, which may be that of the last step.
pub(super) fn resolve_stage(
    path: &Path,
    overrides: Option<&Policy>,
    is_last: bool,
    crate_path: &CratePath,
) -> TokenStream {
    let Some(import) = StageImport::new(path) else { return TokenStream::new() };
    let private = crate_path.private();
    let stage = import.stage_passed_to(&quote!(#private::StageFn::__this));
    let mut assertions = TokenStream::new();
    if let Some(overrides) = overrides {
        assertions.extend(policy::override_assertions(overrides, crate_path));
    }
    if is_last {
        assertions.extend(policy::output_assertion(import.at));
    }
    // The stand-in agrees with any override: one error is enough.
    let any_policy = (!assertions.is_empty())
        .then(|| quote!(pub const __POLICY: #private::Policy = #private::Policy::ANY;));
    let stand_in = StandIn { stage_type: quote!(Self), items: any_policy };
    // What is no stage has this function of all types, and then is reported as none.
    let any_type = quote!(#[allow(unused_imports)] use #private::AnyType as _;);
    import.scope(&stand_in, &quote!(#any_type #assertions #stage))
}

/// Checks that none of these functions is a stage: a call of it would be one of the plain function, without its policy.
///
/// `plain_function_trait` is the trait whose error says where it was called.
pub(super) fn reject_stage_calls(
    functions: &[Path],
    plain_function_trait: &str,
    crate_path: &CratePath,
) -> TokenStream {
    let private = crate_path.private();
    let checks = functions.iter().map(|path| {
        let Some(import) = StageImport::new(path) else { return TokenStream::new() };
        let plain_function_trait = Ident::new(plain_function_trait, import.at);
        let check = import.stage_passed_to(&quote!(#private::#plain_function_trait::__plain));
        let check = quote_spanned!(import.at=> let _ = || #check;);
        let stand_in = StandIn { stage_type: quote!(#private::PlainFunction), items: None };
        import.scope(&stand_in, &quote!(#[allow(clippy::all, clippy::pedantic)] #check))
    });
    checks.collect()
}

/// What `__Stage` is where the path names a function, and no stage.
struct StandIn {
    /// The type that `__Stage::stage()` returns.
    stage_type: TokenStream,
    /// What else is in its `impl`.
    items: Option<TokenStream>,
}

/// The import of a stage as `__Stage`.
///
/// The path is imported over a stand-in: if there is a function and no stage, the stand-in is found, and the error can
/// say what is missing. A path of one name may also be that of a variable, or of nothing; there an empty macro of the
/// same name keeps the import from failing.
struct StageImport {
    /// Without generic arguments.
    path: Path,
    name: Ident,
    arguments: PathArguments,
    /// The span of the name.
    at: Span,
}

impl StageImport {
    fn new(path: &Path) -> Option<Self> {
        let mut path = path.clone();
        let last = path.segments.last_mut()?;
        let arguments = std::mem::take(&mut last.arguments);
        let name = last.ident.clone();
        let at = name.span();
        let mut import = Self { path, name, arguments, at };
        // A local variable of this name does not hide the stage.
        if import.is_single_name()
            && let Some(only) = import.path.segments.last_mut()
        {
            // In the edition of this crate, in which `gen` is a keyword.
            let hygienic = Span::mixed_site().located_at(at);
            if only.ident == "gen" {
                only.ident = Ident::new_raw("gen", hygienic);
            }
            only.ident.set_span(hygienic);
        }
        Some(import)
    }

    fn is_single_name(&self) -> bool {
        self.path.leading_colon.is_none() && self.path.segments.len() == 1
    }

    /// A call of this function with the stage.
    fn stage_passed_to(&self, function: &TokenStream) -> TokenStream {
        let Self { arguments, at, .. } = self;
        let (stage, value) = (Ident::new("__Stage", *at), Ident::new("stage", *at));
        let call = call_at(*at, function, &value.to_token_stream());
        // Not a `let`, or rustc would suggest to write a type there where one cannot be inferred.
        quote_spanned!(*at=> match #stage #arguments::stage() { #value => #call })
    }

    /// A block in which `__Stage` is the stage or the stand-in.
    fn scope(&self, StandIn { stage_type, items }: &StandIn, body: &TokenStream) -> TokenStream {
        let Self { path, name, arguments, at } = self;
        let parameters = type_parameters(arguments);
        let units = parameters.iter().map(|_| quote!(()));
        let items = items.as_ref().map(|items| quote!(impl #name<#(#units),*> { #items }));
        let fields = quote!(#(::core::marker::PhantomData<#parameters>,)*);
        let stand_in = respan(quote!(pub struct #name<#(#parameters),*>(#fields);), *at);
        let placeholder =
            self.is_single_name().then(|| quote!(#[allow(unused_macros)] macro_rules! #path { () => {} }));
        let stage = Ident::new("__Stage", *at);
        // To rustc a name that a macro has made is ambiguous if an outer scope has it too. An import of types alone does not find
        // the prelude's functions, and where types are looked up otherwise, the nearest is taken.
        let is_name = |names: &[&str]| {
            self.is_single_name() && arguments.is_none() && names.iter().any(|outer| name == outer)
        };
        let import = if is_name(&PRELUDE_FUNCTIONS) {
            quote_spanned!(*at=> use #path::{self as #stage};)
        } else if is_name(&PRIMITIVE_TYPES) || is_name(&[OWN_CRATE]) {
            quote_spanned!(*at=> type #stage = #path;)
        } else {
            quote_spanned!(*at=> use #path as #stage;)
        };
        quote! {{
            #[allow(non_camel_case_types, dead_code, unused_imports, unreachable_pub, missing_docs, missing_debug_implementations, clippy::all, clippy::pedantic)]
            mod not_in_scope {
                #stand_in
                impl<#(#parameters),*> #name<#(#parameters),*> {
                    pub fn stage() -> #stage_type { ::core::unreachable!() }
                }
                #items
            }
            #[allow(unused_imports)]
            use not_in_scope::#name as __Stage;
            {
                #placeholder
                #[allow(unused_imports)]
                #import
                #body
            }
        }}
    }
}

/// A type parameter of the stand-in for each type argument of the path.
fn type_parameters(arguments: &PathArguments) -> Vec<Ident> {
    let PathArguments::AngleBracketed(arguments) = arguments else {
        return Vec::new();
    };
    let types = arguments.args.iter().filter(|argument| matches!(argument, GenericArgument::Type(_)));
    (0..types.count()).map(|index| format_ident!("T{index}")).collect()
}
