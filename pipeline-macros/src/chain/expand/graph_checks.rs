//! The graph form → its calls, and a check of each value that they take.

use proc_macro2::{Ident, Literal, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Lit, Pat};

use super::common::{
    check_at, code_site, connect, fork_end, fork_input, fork_value, located_name, mode_variable, plan,
};
use super::fork::{branch_ids, open_branch};
use super::graph_codegen;
use super::leaf::{embed, override_policy};
use super::resolve::{reject_stage_calls, resolve_stage};
use super::sharing::sharing_checks;
use crate::arity::MAX_ARITY;
use crate::chain::dataflow::{Argument, Output, Use, ValuePattern};
use crate::chain::free_variables::{called_functions, free_variables};
use crate::chain::model::{Callee, Graph, StageUse};
use crate::codegen::{call_at, hygienic};
use crate::crate_path::CratePath;

/// The value of a graph.
pub(super) fn graph(graph: &Graph, edge: &Ident, crate_path: &CratePath) -> TokenStream {
    let (private, plan) = (crate_path.private(), plan());
    let (fork_input, fork_end, code_site) = (fork_input(), fork_end(), code_site());
    let generated = graph_codegen::generate(&graph.dataflow, crate_path);
    let checks = GraphChecks { graph, crate_path };
    let ty = &graph.input;
    let fork = fork_value();
    let declared_input = hygienic("declared_input", 0);
    let accepted =
        check_at(ty.span(), &quote!(#private::GraphInput::<_>::__accept), &[edge, &declared_input]);
    let with_input =
        check_at(ty.span(), &quote!(#private::GraphInput::<_>::__kept), &[edge, &declared_input, &fork]);
    // Twice: first for the values; then for the fork, whose type is unknown if the pattern does not fit.
    let destructure =
        checks.destructure(&graph.dataflow.input, Some(&graph.input_pattern), &fork_input, &fork);
    let calls = (0..graph.calls.len()).map(|call| checks.call(call));
    let stages: Vec<_> = (0..graph.calls.len()).map(callee_variable).collect();
    let edges: Vec<_> = (0..graph.value_names.len()).map(|value| (value, value_edge(value))).collect();
    let span = |used: Use| graph.calls[used.call].arguments[used.argument].span();
    let sharing_checks = sharing_checks(&generated.shared_uses, &edges, &span, crate_path);
    let fields = (0..stages.len()).map(graph_codegen::call_field);
    let expressions: Vec<_> = (0..graph.names_in_scope.len()).map(graph_codegen::expression_field).collect();
    let branch_ids = branch_ids(stages.len());
    let dependencies =
        checks.dependencies(graph.dataflow.output.values()).into_iter().map(Literal::usize_unsuffixed);
    let (tail, tail_field) = checks.tail();
    let (items, struct_name) = (&generated.items, graph_codegen::struct_name());
    let name = located_name("graph", graph.input_pattern.span(), crate_path);
    quote! {{
        let #declared_input = #private::edge::<#ty>();
        let #fork_input = #accepted;
        let #code_site = #private::code_site(#name, #private::Plan::open(&mut #plan, #private::ForkKind::Graph));
        let #fork = ();
        #destructure
        #(#calls)*
        #tail
        let #fork_end = #private::Plan::close(&mut #plan, &[#(#dependencies),*]);
        let #fork = {
            // User code cannot name these.
            #items
            #struct_name {
                #(#fields: #stages,)*
                #(#expressions,)*
                #tail_field
                branch_ids: #branch_ids,
                end: #fork_end,
                code_site: #code_site,
            }
        };
        #sharing_checks
        #destructure
        let #fork = #with_input;
        #private::finish_fork(#edge, #fork)
    }}
}

/// The variable of what a call calls.
fn callee_variable(call: usize) -> Ident {
    hygienic("callee", call)
}

/// The edge that carries a value.
fn value_edge(value: usize) -> Ident {
    hygienic("value", value)
}

struct GraphChecks<'a> {
    graph: &'a Graph,
    crate_path: &'a CratePath,
}

impl GraphChecks<'_> {
    /// Binds the callee, how it takes its arguments, and the edges of its output, once its arguments are checked.
    fn call(&self, call: usize) -> TokenStream {
        let (private, plan) = (self.crate_path.private(), plan());
        let (stage, output) = (callee_variable(call), hygienic("output", call));
        let args = hygienic("args", call);
        let arguments = &self.graph.dataflow.calls[call].arguments;
        let count = Literal::usize_unsuffixed(arguments.len());
        let open_branch = open_branch(call, &self.branch_name(call), &self.call_dependencies(call));
        let argument_statements =
            arguments.iter().enumerate().map(|(position, argument)| self.argument(call, position, argument));
        let edges: Vec<_> = (0..arguments.len()).map(|position| argument_edge(call, position)).collect();
        let modes = (0..arguments.len()).map(|argument| mode_variable(Use { call, argument, capture: None }));
        let graph_call = &self.graph.calls[call];
        let call_statements = match &graph_call.callee {
            Callee::Stage(stage_use) => {
                let at = stage_use.span();
                let StageUse { path, overrides, .. } = stage_use;
                let resolved = resolve_stage(path, overrides.as_deref(), false, self.crate_path);
                let value = Ident::new("stage", at);
                let arity =
                    call_at(at, &quote!(#private::Arity::<#count>::__arity), &value.to_token_stream());
                let parameter_checks = edges.iter().enumerate().map(|(position, edge)| {
                    let at = graph_call.arguments[position].span();
                    let position = Literal::usize_unsuffixed(position);
                    let check =
                        check_at(at, &quote!(#private::Parameter::<#position, _>::__takes), &[edge, &stage]);
                    quote!(let (#stage, #edge) = #check;)
                });
                let parameter_checks: Vec<_> = parameter_checks.collect();
                let registered =
                    call_at(at, &quote!(#private::register_call), &quote!(#args, #stage, &mut #plan));
                let tuple = hygienic("tuple", call);
                let overridden = overrides.as_ref().map(|overrides| {
                    let overridden = override_policy(overrides, &stage, &tuple, self.crate_path);
                    quote! {
                        let #tuple = #private::as_input(#args);
                        #overridden
                    }
                });
                quote! {
                    let #stage = { let #value = #resolved; #arity };
                    #(#parameter_checks)*
                    let #args = #private::arg_list((#(#edges,)*));
                    let (#stage, #output) = #registered;
                    #overridden
                }
            }
            Callee::Value(value) => {
                let tuple = hygienic("tuple", call);
                let connected =
                    connect(&embed(value, self.crate_path), &tuple, value.span(), self.crate_path);
                quote! {
                    let #args = #private::arg_list((#(#edges,)*));
                    let #tuple = #private::as_input(#args);
                    let (#stage, #output) = #connected;
                    let #stage = #private::ByValue(#stage);
                }
            }
        };
        let destructure = self.destructure(
            &self.graph.dataflow.calls[call].output,
            graph_call.pattern.as_ref(),
            &output,
            &stage,
        );
        quote! {
            #open_branch
            #(#argument_statements)*
            #call_statements
            let (#(#modes,)*) = #private::modes(&#stage, #args);
            #destructure
        }
    }

    /// Binds the edge of an argument.
    fn argument(&self, call: usize, position: usize, argument: &Argument) -> TokenStream {
        let private = self.crate_path.private();
        let edge = argument_edge(call, position);
        let expr = &self.graph.calls[call].arguments[position];
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
                let (outer, body) = self.body(expr, &self.graph.names_in_scope[*number]);
                let reject_stage_calls =
                    reject_stage_calls(&called_functions(expr), "CalledInExpression", self.crate_path);
                quote! {
                    let (#field, #edge) = #private::#make(#(#edges,)* {
                        #reject_stage_calls
                        #outer
                        #[allow(unused_variables, clippy::all, clippy::pedantic)]
                        { move |#(#names),*| #body }
                    });
                }
            }
        }
    }

    /// Statements that clone outer variables, and the body of the closure that evaluates an argument.
    fn body(&self, expr: &Expr, names_in_scope: &[Ident]) -> (TokenStream, TokenStream) {
        let private = self.crate_path.private();
        match expr {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
                let text = call_at(text.span(), &quote!(#private::Text::__text), &text.to_token_stream());
                (TokenStream::new(), text)
            }
            // Each item gets a clone of an outer variable, and so does the graph, since other calls may use it. The names in
            // scope are shadowed, so that rustc can suggest one if there is no such variable.
            Expr::Path(path) if is_variable(path) => {
                let clone = call_at(
                    path.span(),
                    &quote!(#private::Clone::clone),
                    &quote_spanned!(path.span()=> &#path),
                );
                let outer = quote! {
                    #[allow(unused_variables, clippy::all, clippy::pedantic)]
                    let #path = {
                        #(let #names_in_scope = ();)*
                        #clone
                    };
                };
                (outer, clone)
            }
            _ => (self.clones(expr), expr.to_token_stream()),
        }
    }

    /// Clones of the outer variables that other expressions use too: each closure moves its own.
    fn clones(&self, expr: &Expr) -> TokenStream {
        let private = self.crate_path.private();
        let mut names: Vec<_> = free_variables(expr).into_iter().map(|variable| variable.name).collect();
        names.retain(|name| self.graph.shared_variables.contains(name));
        let clones = names.iter().map(|name| {
            let clone =
                call_at(name.span(), &quote!(#private::Clone::clone), &quote_spanned!(name.span()=> &#name));
            quote! {
                #[allow(unused_variables, clippy::all, clippy::pedantic)]
                let #name = #clone;
            }
        });
        clones.collect()
    }

    /// A statement that binds the tail expression, and its field.
    fn tail(&self) -> (TokenStream, TokenStream) {
        let (Some(tail), Output::Expression(values)) = (&self.graph.tail, &self.graph.dataflow.output) else {
            return Default::default();
        };
        let private = self.crate_path.private();
        let make = format_ident!("last{}", values.len().min(MAX_ARITY));
        let edges = values.iter().map(|value| value_edge(*value));
        let names = values.iter().map(|value| &self.graph.value_names[*value]);
        let field = Ident::new("__tail", Span::mixed_site());
        let clones = self.clones(tail);
        let reject_stage_calls =
            reject_stage_calls(&called_functions(tail), "CalledInExpression", self.crate_path);
        let statement = quote! {
            let (#field, _) = #private::#make(#(#edges,)* {
                #reject_stage_calls
                #clones
                #[allow(unused_variables)]
                { move |#(#names),*| #tail }
            });
        };
        (statement, quote!(tail: #field,))
    }

    /// Binds the edges of the values in a pattern. If the pattern does not fit, the type of `checked` is unknown.
    fn destructure(
        &self,
        values: &ValuePattern,
        pattern: Option<&Pat>,
        edge: &Ident,
        checked: &Ident,
    ) -> TokenStream {
        match values {
            ValuePattern::Value(value) | ValuePattern::Ignored(value) => {
                let value = value_edge(*value);
                quote!(let #value = #edge;)
            }
            ValuePattern::Tuple(parts) => {
                let private = self.crate_path.private();
                let pattern = pattern.map(without_parentheses);
                let at = pattern.map_or_else(Span::call_site, Spanned::span);
                let count = Literal::usize_unsuffixed(parts.len());
                let check =
                    check_at(at, &quote!(#private::Destructure::<#count>::__destructure), &[edge, checked]);
                let names: Vec<_> = (0..parts.len())
                    .map(|index| format_ident!("{edge}_{index}", span = Span::mixed_site()))
                    .collect();
                let inner = parts.iter().enumerate().map(|(index, part)| {
                    let pattern = match pattern {
                        Some(Pat::Tuple(tuple)) => tuple.elems.get(index),
                        _ => None,
                    };
                    self.destructure(part, pattern, &names[index], checked)
                });
                quote! {
                    let (#checked, (#(#names,)*)) = #check;
                    #(#inner)*
                }
            }
        }
    }

    fn branch_name(&self, call: usize) -> String {
        let names = self.graph.dataflow.calls[call]
            .output
            .values()
            .into_iter()
            .map(|value| self.graph.value_names[value].to_string());
        let names: Vec<_> = names.collect();
        // The output of the tail call has no name.
        if self.graph.calls[call].pattern.is_none() { String::new() } else { names.join(", ") }
    }

    fn call_dependencies(&self, call: usize) -> Vec<usize> {
        let arguments = self.graph.dataflow.calls[call].arguments.iter();
        let values = arguments.flat_map(|argument| match argument {
            Argument::Value(value) => vec![*value],
            Argument::Expression(_, captures) => captures.clone(),
        });
        self.dependencies(values.collect())
    }

    /// What produces these values: 0 is the input, n the n-th call.
    fn dependencies(&self, values: Vec<usize>) -> Vec<usize> {
        let producers =
            values.into_iter().map(|value| self.graph.dataflow.producer(value).map_or(0, |call| call + 1));
        // In the order of the arguments, as the graph of the pipeline shows them.
        producers.fold(Vec::new(), |mut dependencies, producer| {
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

fn without_parentheses(mut pattern: &Pat) -> &Pat {
    while let Pat::Paren(inner) = pattern {
        pattern = &inner.pat;
    }
    pattern
}

/// A single lowercase name: not a constant.
fn is_variable(path: &syn::ExprPath) -> bool {
    path.qself.is_none()
        && path.path.get_ident().is_some_and(|name| name.to_string().starts_with(char::is_lowercase))
}
