//! The graph form → its calls, and a check on each value that goes into them.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Lit, Pat};

use super::dataflow::{Argument, Output, Use, ValuePattern};
use super::expand::{
    call_at, connect, embed, hygienic, located_name, override_policy, plan, reject_stage_calls, resolve_stage,
};
use super::fork_expand::{
    branch_ids, check_at, code_site, fork, fork_end, fork_input, mode_variable, open_branch, sharing_checks,
};
use super::free_variables::{called_functions, free_variables};
use super::graph_codegen;
use super::model::{Graph, Step};
use crate::paths::CratePath;

/// The most values that one expression can look at.
const MAX_ARITY: usize = 8;

pub(crate) fn graph(graph: &Graph, edge: &Ident, crate_path: &CratePath) -> TokenStream {
    let (private, plan) = (crate_path.private(), plan());
    let (fork_input, fork_end, code_site) = (fork_input(), fork_end(), code_site());
    let generated = graph_codegen::generate(&graph.dataflow, crate_path);
    let graph_checks = GraphChecks { graph, crate_path };
    let ty = &graph.input;
    let fork = fork();
    let declared_edge = hygienic("taken", 0);
    let accepted = check_at(ty.span(), &quote!(#private::GraphInput::<_>::__accept), &[edge, &declared_edge]);
    let with_input =
        check_at(ty.span(), &quote!(#private::GraphInput::<_>::__kept), &[edge, &declared_edge, &fork]);
    // Twice: first for the values; then for what was made, which is not known where the pattern does not fit.
    let destructure =
        graph_checks.destructure(&graph.dataflow.input, Some(&graph.input_pattern), &fork_input, &fork);
    let calls = (0..graph.callees.len()).map(|call| graph_checks.call(call));
    let stages: Vec<_> = (0..graph.callees.len()).map(stage).collect();
    let edges: Vec<_> = (0..graph.value_names.len()).map(|value| (value, value_edge(value))).collect();
    let span = |it: Use| graph.arguments[it.call][it.argument].span();
    let checks = sharing_checks(&generated.shared_uses, &edges, &span, crate_path);
    let fields = (0..stages.len()).map(graph_codegen::call_field);
    let expressions: Vec<_> = (0..graph.names_in_scope.len()).map(graph_codegen::expression_field).collect();
    let branch_ids = branch_ids(stages.len());
    let dependencies =
        graph_checks.dependencies(graph.dataflow.output.values()).into_iter().map(Literal::usize_unsuffixed);
    let (last, last_field) = graph_checks.last();
    let (items, struct_name) = (&generated.items, graph_codegen::struct_name());
    let name = located_name("graph", graph.input_span, crate_path);
    quote! {{
        let #declared_edge = #private::edge::<#ty>();
        let #fork_input = #accepted;
        let #code_site = #private::code_site(#name, #plan.open(#private::ForkKind::Graph));
        let #fork = ();
        #destructure
        #(#calls)*
        #last
        let #fork_end = #plan.close(&[#(#dependencies),*]);
        let #fork = {
            // No code of the user's sees these.
            #items
            #struct_name {
                #(#fields: #stages,)*
                #(#expressions,)*
                #last_field
                heads: #branch_ids,
                end: #fork_end,
                place: #code_site,
            }
        };
        #checks
        #destructure
        let #fork = #with_input;
        #private::finish_fork(#edge, #fork)
    }}
}

fn stage(call: usize) -> Ident {
    hygienic("called", call)
}

/// What goes over the edge behind a value.
fn value_edge(value: usize) -> Ident {
    hygienic("value", value)
}

struct GraphChecks<'a> {
    graph: &'a Graph,
    crate_path: &'a CratePath,
}

impl GraphChecks<'_> {
    /// A call, its arguments checked: binds the stage, how it has its values, and the ports of what it gives.
    fn call(&self, call: usize) -> TokenStream {
        let (private, plan) = (self.crate_path.private(), plan());
        let (stage, output) = (stage(call), hygienic("output", call));
        let list = hygienic("list", call);
        let arguments = &self.graph.dataflow.calls[call].arguments;
        let count = Literal::usize_unsuffixed(arguments.len());
        let open_branch = open_branch(call, &self.name(call), &self.call_dependencies(call));
        let fork =
            arguments.iter().enumerate().map(|(position, argument)| self.argument(call, position, argument));
        let edges: Vec<_> = (0..arguments.len()).map(|position| argument_edge(call, position)).collect();
        let modes = (0..arguments.len()).map(|argument| mode_variable(Use { call, argument, capture: None }));
        let call_statements = match &self.graph.callees[call] {
            Step::Stage { path, overrides } => {
                let at = self.graph.callees[call].span();
                let made_stage = resolve_stage(path, overrides.as_deref(), self.crate_path);
                let value = Ident::new("stage", at);
                let arity =
                    call_at(at, &quote!(#private::Arity::<#count>::__arity), &value.to_token_stream());
                let takes = edges.iter().enumerate().map(|(position, edge)| {
                    let at = self.graph.arguments[call][position].span();
                    let position = Literal::usize_unsuffixed(position);
                    let check_at =
                        check_at(at, &quote!(#private::Parameter::<#position, _>::__takes), &[edge, &stage]);
                    quote!(let (#stage, #edge) = #check_at;)
                });
                let takes: Vec<_> = takes.collect();
                let call_statements =
                    call_at(at, &quote!(#private::register_call), &quote!(#list, #stage, &mut #plan));
                let one = hygienic("one", call);
                let override_policy = overrides.as_ref().map(|overrides| {
                    let override_policy = override_policy(overrides, &stage, &one, self.crate_path);
                    quote! {
                        let #one = #private::as_input(#list);
                        #override_policy
                    }
                });
                quote! {
                    let #stage = { let #value = #made_stage; #arity };
                    #(#takes)*
                    let #list = #private::arg_list((#(#edges,)*));
                    let (#stage, #output) = #call_statements;
                    #override_policy
                }
            }
            Step::Value(value) => {
                let one = hygienic("one", call);
                let connect = connect(&embed(value, self.crate_path), &one, value.span(), self.crate_path);
                quote! {
                    let #list = #private::arg_list((#(#edges,)*));
                    let #one = #private::as_input(#list);
                    let (#stage, #output) = #connect;
                    let #stage = #private::ByValue(#stage);
                }
            }
            _ => TokenStream::new(),
        };
        let destructure = self.destructure(
            &self.graph.dataflow.calls[call].output,
            self.graph.output_patterns[call].as_ref(),
            &output,
            &stage,
        );
        quote! {
            #open_branch
            #(#fork)*
            #call_statements
            let (#(#modes,)*) = #private::modes(&#stage, #list);
            #destructure
        }
    }

    /// Binds the port of an argument.
    fn argument(&self, call: usize, position: usize, argument: &Argument) -> TokenStream {
        let private = self.crate_path.private();
        let edge = argument_edge(call, position);
        let written = &self.graph.arguments[call][position];
        match argument {
            Argument::Value(value) => {
                let value = value_edge(*value);
                quote!(let #edge = #value;)
            }
            Argument::Expression(number, captures) => {
                let field = graph_codegen::expression_field(*number);
                let make = format_ident!("expression{}", captures.len().min(MAX_ARITY));
                let edges = captures.iter().map(|value| value_edge(*value));
                let names = captures.iter().map(|value| &self.graph.value_names[*value]);
                let (outside, body) = self.body(written, &self.graph.names_in_scope[*number]);
                let reject_stage_calls =
                    reject_stage_calls(&called_functions(written), "CalledInExpression", self.crate_path);
                quote! {
                    let (#field, #edge) = #private::#make(#(#edges,)* {
                        #reject_stage_calls
                        #outside
                        #[allow(unused_variables, clippy::all, clippy::pedantic)]
                        { move |#(#names),*| #body }
                    });
                }
            }
        }
    }

    /// The code of an argument, and what goes before.
    fn body(&self, written: &Expr, names_in_scope: &[Ident]) -> (TokenStream, TokenStream) {
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
                        #(let #names_in_scope = ();)*
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
        let mut names: Vec<_> = free_variables(written).into_iter().map(|mention| mention.name).collect();
        names.retain(|name| self.graph.shared_variables.contains(name));
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
        let (Some(last), Output::Expression(values)) = (&self.graph.tail, &self.graph.dataflow.output) else {
            return Default::default();
        };
        let private = self.crate_path.private();
        let make = format_ident!("last{}", values.len().min(MAX_ARITY));
        let edges = values.iter().map(|value| value_edge(*value));
        let names = values.iter().map(|value| &self.graph.value_names[*value]);
        let field = Ident::new("__last", Span::mixed_site());
        let copies = self.copies(last);
        let reject_stage_calls =
            reject_stage_calls(&called_functions(last), "CalledInExpression", self.crate_path);
        let fork = quote! {
            let (#field, _) = #private::#make(#(#edges,)* {
                #reject_stage_calls
                #copies
                #[allow(unused_variables)]
                { move |#(#names),*| #last }
            });
        };
        (fork, quote!(last: #field,))
    }

    /// Binds the ports of the values that a pattern takes out of another. Where it does not fit, `checked` is not known.
    fn destructure(
        &self,
        shape: &ValuePattern,
        pattern: Option<&Pat>,
        edge: &Ident,
        connect: &Ident,
    ) -> TokenStream {
        match shape {
            ValuePattern::Value(value) | ValuePattern::Ignored(value) => {
                let value = value_edge(*value);
                quote!(let #value = #edge;)
            }
            ValuePattern::Tuple(parts) => {
                let private = self.crate_path.private();
                let pattern = pattern.map(unwrapped);
                let at = pattern.map_or_else(Span::call_site, Spanned::span);
                let count = Literal::usize_unsuffixed(parts.len());
                let check_at =
                    check_at(at, &quote!(#private::Destructure::<#count>::__destructure), &[edge, connect]);
                let names: Vec<_> = (0..parts.len())
                    .map(|index| format_ident!("{edge}_{index}", span = Span::mixed_site()))
                    .collect();
                let inner = parts.iter().enumerate().map(|(index, part)| {
                    let pattern = match pattern {
                        Some(Pat::Tuple(tuple)) => tuple.elems.get(index),
                        _ => None,
                    };
                    self.destructure(part, pattern, &names[index], connect)
                });
                quote! {
                    let (#connect, (#(#names,)*)) = #check_at;
                    #(#inner)*
                }
            }
        }
    }

    fn name(&self, call: usize) -> String {
        let names = self.graph.dataflow.calls[call]
            .output
            .values()
            .into_iter()
            .map(|value| self.graph.value_names[value].to_string());
        let names: Vec<_> = names.collect();
        // The value of the last call has no name.
        if self.graph.output_patterns[call].is_none() { String::new() } else { names.join(", ") }
    }

    fn call_dependencies(&self, call: usize) -> Vec<usize> {
        let arguments = self.graph.dataflow.calls[call].arguments.iter();
        let values = arguments.flat_map(|argument| match argument {
            Argument::Value(value) => vec![*value],
            Argument::Expression(_, captures) => captures.clone(),
        });
        self.dependencies(values.collect())
    }

    /// What gives these values: 0 is the input, n the call n, counted from 1.
    fn dependencies(&self, values: Vec<usize>) -> Vec<usize> {
        let sources =
            values.into_iter().map(|value| self.graph.dataflow.producer(value).map_or(0, |call| call + 1));
        // In the order of the arguments, as pictures show them.
        sources.fold(Vec::new(), |mut dependencies, producer| {
            if !dependencies.contains(&producer) {
                dependencies.push(producer);
            }
            dependencies
        })
    }
}

fn argument_edge(call: usize, position: usize) -> Ident {
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
