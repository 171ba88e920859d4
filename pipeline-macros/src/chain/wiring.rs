//! The graph form → its calls, and a check on each value that goes into them.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Lit, Pat};

use super::branches::{check, end, entry, head, heads, made, mode, place, sharing};
use super::expand::{call_at, checked, embedded, hygienic, named, overridden, place_name, plain, plan};
use super::mentions::{called, mentions};
use super::model::{Graph, Step};
use super::weave::{self, Argument, Output, Shape, Use};
use crate::paths::CratePath;

/// The most values that one expression can look at.
const MOST: usize = 8;

pub(crate) fn graph(graph: &Graph, port: &Ident, crate_path: &CratePath) -> TokenStream {
    let (private, plan) = (crate_path.private(), plan());
    let (entry, end, place) = (entry(), end(), place());
    let woven = weave::weave(&graph.net, crate_path);
    let wiring = Wiring { graph, crate_path };
    let ty = &graph.input;
    let made = made();
    let taken = hygienic("taken", 0);
    let arrives = check(ty.span(), &quote!(#private::GraphInput::<_>::__accept), &[port, &taken]);
    let kept = check(ty.span(), &quote!(#private::GraphInput::<_>::__kept), &[port, &taken, &made]);
    // Twice: first for the values; then for what was made, which is not known where the pattern does not fit.
    let apart = wiring.apart(&graph.net.input, Some(&graph.input_pattern), &entry, &made);
    let calls = (0..graph.stages.len()).map(|call| wiring.call(call));
    let stages: Vec<_> = (0..graph.stages.len()).map(stage).collect();
    let ports: Vec<_> = (0..graph.names.len()).map(|value| (value, value_port(value))).collect();
    let span = |it: Use| graph.arguments[it.call][it.argument].span();
    let checks = sharing(&woven.meetings, &ports, &span, crate_path);
    let fields = (0..stages.len()).map(weave::call_field);
    let expressions: Vec<_> = (0..graph.sight.len()).map(weave::expression_field).collect();
    let heads = heads(stages.len());
    let needs = wiring.needs(graph.net.output.values()).into_iter().map(Literal::usize_unsuffixed);
    let (last, last_field) = wiring.last();
    let (items, structure) = (&woven.items, weave::structure());
    let name = place_name("graph", graph.at, crate_path);
    quote! {{
        let #taken = #private::edge::<#ty>();
        let #entry = #arrives;
        let #place = #private::code_site(#name, #plan.open(#private::ForkKind::Graph));
        let #made = ();
        #apart
        #(#calls)*
        #last
        let #end = #plan.close(&[#(#needs),*]);
        let #made = {
            // No code of the user's sees these.
            #items
            #structure {
                #(#fields: #stages,)*
                #(#expressions,)*
                #last_field
                heads: #heads,
                end: #end,
                place: #place,
            }
        };
        #checks
        #apart
        let #made = #kept;
        #private::finish_fork(#port, #made)
    }}
}

fn stage(call: usize) -> Ident {
    hygienic("called", call)
}

/// What goes over the edge behind a value.
fn value_port(value: usize) -> Ident {
    hygienic("value", value)
}

struct Wiring<'a> {
    graph: &'a Graph,
    crate_path: &'a CratePath,
}

impl Wiring<'_> {
    /// A call, its arguments checked: binds the stage, how it has its values, and the ports of what it gives.
    fn call(&self, call: usize) -> TokenStream {
        let (private, plan) = (self.crate_path.private(), plan());
        let (stage, output) = (stage(call), hygienic("output", call));
        let list = hygienic("list", call);
        let arguments = &self.graph.net.calls[call].arguments;
        let count = Literal::usize_unsuffixed(arguments.len());
        let head = head(call, &self.name(call), &self.needs_of(call));
        let made =
            arguments.iter().enumerate().map(|(position, argument)| self.argument(call, position, argument));
        let ports: Vec<_> = (0..arguments.len()).map(|position| argument_port(call, position)).collect();
        let modes = (0..arguments.len()).map(|argument| mode(Use { call, argument, look: None }));
        let called = match &self.graph.stages[call] {
            Step::Stage { path, overrides } => {
                let at = self.graph.stages[call].span();
                let made_stage = named(path, overrides.as_deref(), self.crate_path);
                let value = Ident::new("stage", at);
                let arity =
                    call_at(at, &quote!(#private::Arity::<#count>::__arity), &value.to_token_stream());
                let takes = ports.iter().enumerate().map(|(position, port)| {
                    let at = self.graph.arguments[call][position].span();
                    let position = Literal::usize_unsuffixed(position);
                    let check =
                        check(at, &quote!(#private::Parameter::<#position, _>::__takes), &[port, &stage]);
                    quote!(let (#stage, #port) = #check;)
                });
                let takes: Vec<_> = takes.collect();
                let called =
                    call_at(at, &quote!(#private::register_call), &quote!(#list, #stage, &mut #plan));
                let one = hygienic("one", call);
                let overridden = overrides.as_ref().map(|overrides| {
                    let overridden = overridden(overrides, &stage, &one, self.crate_path);
                    quote! {
                        let #one = #private::as_input(#list);
                        #overridden
                    }
                });
                quote! {
                    let #stage = { let #value = #made_stage; #arity };
                    #(#takes)*
                    let #list = #private::arg_list((#(#ports,)*));
                    let (#stage, #output) = #called;
                    #overridden
                }
            }
            Step::Value(value) => {
                let one = hygienic("one", call);
                let checked = checked(&embedded(value, self.crate_path), &one, value.span(), self.crate_path);
                quote! {
                    let #list = #private::arg_list((#(#ports,)*));
                    let #one = #private::as_input(#list);
                    let (#stage, #output) = #checked;
                    let #stage = #private::ByValue(#stage);
                }
            }
            _ => TokenStream::new(),
        };
        let apart = self.apart(
            &self.graph.net.calls[call].output,
            self.graph.patterns[call].as_ref(),
            &output,
            &stage,
        );
        quote! {
            #head
            #(#made)*
            #called
            let (#(#modes,)*) = #private::modes(&#stage, #list);
            #apart
        }
    }

    /// Binds the port of an argument.
    fn argument(&self, call: usize, position: usize, argument: &Argument) -> TokenStream {
        let private = self.crate_path.private();
        let port = argument_port(call, position);
        let written = &self.graph.arguments[call][position];
        match argument {
            Argument::Value(value) => {
                let value = value_port(*value);
                quote!(let #port = #value;)
            }
            Argument::Expression(number, looks) => {
                let field = weave::expression_field(*number);
                let make = format_ident!("expression{}", looks.len().min(MOST));
                let ports = looks.iter().map(|value| value_port(*value));
                let names = looks.iter().map(|value| &self.graph.names[*value]);
                let (outside, body) = self.body(written, &self.graph.sight[*number]);
                let plain = plain(&called(written), "CalledInExpression", self.crate_path);
                quote! {
                    let (#field, #port) = #private::#make(#(#ports,)* {
                        #plain
                        #outside
                        #[allow(unused_variables, clippy::all, clippy::pedantic)]
                        { move |#(#names),*| #body }
                    });
                }
            }
        }
    }

    /// The code of an argument, and what goes before.
    fn body(&self, written: &Expr, sight: &[Ident]) -> (TokenStream, TokenStream) {
        let private = self.crate_path.private();
        match written {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
                let text = call_at(text.span(), &quote!(#private::Text::__text), &text.to_token_stream());
                (TokenStream::new(), text)
            }
            // Of what is outside each item gets a copy, and so does the graph: another call may want it, too. Should there be no
            // such thing, rustc may know of one that was meant.
            Expr::Path(path) if is_variable(path) => {
                let copy = call_at(
                    path.span(),
                    &quote!(#private::Clone::clone),
                    &quote_spanned!(path.span()=> &#path),
                );
                let outside = quote! {
                    #[allow(unused_variables, clippy::all, clippy::pedantic)]
                    let #path = {
                        #(let #sight = ();)*
                        #copy
                    };
                };
                (outside, copy)
            }
            _ => (self.copies(written), written.to_token_stream()),
        }
    }

    /// Copies of the variables from outside that another expression has, too: each moves its own.
    fn copies(&self, written: &Expr) -> TokenStream {
        let private = self.crate_path.private();
        let mut names: Vec<_> = mentions(written).into_iter().map(|mention| mention.name).collect();
        names.retain(|name| self.graph.shared.contains(name));
        let copies = names.iter().map(|name| {
            let copy =
                call_at(name.span(), &quote!(#private::Clone::clone), &quote_spanned!(name.span()=> &#name));
            quote! {
                #[allow(unused_variables, clippy::all, clippy::pedantic)]
                let #name = #copy;
            }
        });
        copies.collect()
    }

    /// The expression at the end, and the field that it is in.
    fn last(&self) -> (TokenStream, TokenStream) {
        let (Some(last), Output::Expression(values)) = (&self.graph.last, &self.graph.net.output) else {
            return Default::default();
        };
        let private = self.crate_path.private();
        let make = format_ident!("last{}", values.len().min(MOST));
        let ports = values.iter().map(|value| value_port(*value));
        let names = values.iter().map(|value| &self.graph.names[*value]);
        let field = Ident::new("__last", Span::mixed_site());
        let copies = self.copies(last);
        let plain = plain(&called(last), "CalledInExpression", self.crate_path);
        let made = quote! {
            let (#field, _) = #private::#make(#(#ports,)* {
                #plain
                #copies
                #[allow(unused_variables)]
                { move |#(#names),*| #last }
            });
        };
        (made, quote!(last: #field,))
    }

    /// Binds the ports of the values that a pattern takes out of another. Where it does not fit, `checked` is not known.
    fn apart(&self, shape: &Shape, pattern: Option<&Pat>, port: &Ident, checked: &Ident) -> TokenStream {
        match shape {
            Shape::Value(value) | Shape::Nothing(value) => {
                let value = value_port(*value);
                quote!(let #value = #port;)
            }
            Shape::Tuple(parts) => {
                let private = self.crate_path.private();
                let pattern = pattern.map(unwrapped);
                let at = pattern.map_or_else(Span::call_site, Spanned::span);
                let count = Literal::usize_unsuffixed(parts.len());
                let check =
                    check(at, &quote!(#private::Destructure::<#count>::__destructure), &[port, checked]);
                let names: Vec<_> = (0..parts.len())
                    .map(|index| format_ident!("{port}_{index}", span = Span::mixed_site()))
                    .collect();
                let inner = parts.iter().enumerate().map(|(index, part)| {
                    let pattern = match pattern {
                        Some(Pat::Tuple(tuple)) => tuple.elems.get(index),
                        _ => None,
                    };
                    self.apart(part, pattern, &names[index], checked)
                });
                quote! {
                    let (#checked, (#(#names,)*)) = #check;
                    #(#inner)*
                }
            }
        }
    }

    fn name(&self, call: usize) -> String {
        let names = self.graph.net.calls[call]
            .output
            .values()
            .into_iter()
            .map(|value| self.graph.names[value].to_string());
        let names: Vec<_> = names.collect();
        // The value of the last call has no name.
        if self.graph.patterns[call].is_none() { String::new() } else { names.join(", ") }
    }

    fn needs_of(&self, call: usize) -> Vec<usize> {
        let arguments = self.graph.net.calls[call].arguments.iter();
        let values = arguments.flat_map(|argument| match argument {
            Argument::Value(value) => vec![*value],
            Argument::Expression(_, looks) => looks.clone(),
        });
        self.needs(values.collect())
    }

    /// What gives these values: 0 is the input, n the call n, counted from 1.
    fn needs(&self, values: Vec<usize>) -> Vec<usize> {
        let sources = values.into_iter().map(|value| self.graph.net.source(value).map_or(0, |call| call + 1));
        // In the order of the arguments, as pictures show them.
        sources.fold(Vec::new(), |mut needs, source| {
            if !needs.contains(&source) {
                needs.push(source);
            }
            needs
        })
    }
}

fn argument_port(call: usize, position: usize) -> Ident {
    Ident::new(&format!("__argument{call}_{position}"), Span::mixed_site())
}

fn unwrapped(mut pattern: &Pat) -> &Pat {
    while let Pat::Paren(inner) = pattern {
        pattern = &inner.pat;
    }
    pattern
}

/// A single name in small letters: no constant.
fn is_variable(path: &syn::ExprPath) -> bool {
    path.qself.is_none()
        && path.path.get_ident().is_some_and(|name| name.to_string().starts_with(char::is_lowercase))
}
