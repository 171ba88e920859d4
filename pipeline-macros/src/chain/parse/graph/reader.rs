//! The statements of a graph → its dataflow.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Block, Expr, Pat, Stmt, Type};

use super::scope::Scope;
use super::statement::{Statement, callee, is_call, statements};
use crate::arity::MAX_ARITY;
use crate::chain::dataflow::{Argument, Call, Dataflow, Output, ValuePattern};
use crate::chain::free_variables::{FreeVariable, free_variables};
use crate::chain::model::{Callee, Graph, GraphCall};
use crate::chain::parse::stage::{stage, value};
use crate::diagnostics::Diagnostics;

const EXPECTED: &str = "a graph consists of calls of stages, `let user = fetch_user(id);`, and a final expression: move other code into a stage";

/// Reads a graph from top to bottom.
pub(super) struct Reader<'a> {
    scope: Scope<'a>,
    calls: Vec<Call>,
    graph_calls: Vec<GraphCall>,
    /// For each expression the names in scope.
    names_in_scope: Vec<Vec<Ident>>,
    /// For each expression the outer variables that it uses.
    outer_variables: Vec<Vec<Ident>>,
}

impl<'a> Reader<'a> {
    pub(super) fn read(
        input_pattern: Pat,
        input: Type,
        block: &Block,
        diagnostics: &'a mut Diagnostics,
    ) -> syn::Result<Graph> {
        refuse_attributes(block)?;
        let statements = statements(block);
        let mut reader = Self {
            scope: Scope::new(&statements, diagnostics),
            calls: Vec::new(),
            graph_calls: Vec::new(),
            names_in_scope: Vec::new(),
            outer_variables: Vec::new(),
        };
        let input_values = reader.scope.bind(&input_pattern)?;
        let mut end = None;
        for statement in statements {
            end = reader.statement(statement)?;
        }
        let Some((output, tail)) = end else {
            let end = block
                .stmts
                .last()
                .map_or_else(|| block.span(), |last| semicolon(last).unwrap_or(last.span()));
            return Err(syn::Error::new(
                end,
                "a graph ends with its output: an expression without a `;`, such as a call, a name or a tuple of names",
            ));
        };
        let Reader { scope, calls, graph_calls, names_in_scope, outer_variables } = reader;
        Ok(Graph {
            value_names: scope.finish(&input_values),
            dataflow: Dataflow { input: input_values, calls, output },
            input_pattern,
            input,
            calls: graph_calls,
            names_in_scope,
            shared_variables: in_several(&outer_variables),
            tail,
        })
    }

    /// The output of the graph, if this is the tail; and the expression, if it is neither a call nor a name.
    fn statement(&mut self, statement: Statement<'_>) -> syn::Result<Option<(Output, Option<Expr>)>> {
        match statement {
            Statement::Let { pattern, value } => {
                let call = self.call(value)?;
                let output = self.scope.bind_let(pattern)?;
                self.push(call, output, Some(pattern.clone()));
                Ok(None)
            }
            Statement::Discarded(value, end) => {
                if matches!(value, Expr::Path(_) | Expr::Tuple(_)) {
                    let message = "a graph ends with its output: remove this `;`";
                    return Err(syn::Error::new_spanned(end, message));
                }
                let call = self.call(value)?;
                self.push_discarded(call);
                Ok(None)
            }
            Statement::BlockCall { block, arguments, end } => {
                let call = (block_value(block)?, arguments);
                let call = self.arguments(call)?;
                if end.is_some() {
                    self.push_discarded(call);
                    return Ok(None);
                }
                Ok(Some(self.tail_call(call)))
            }
            Statement::Tail(value) => self.tail(value).map(Some),
            Statement::Other(statement) => Err(syn::Error::new_spanned(statement, EXPECTED)),
        }
    }

    fn tail(&mut self, value: &Expr) -> syn::Result<(Output, Option<Expr>)> {
        if is_call(value) {
            let call = self.call(value)?;
            return Ok(self.tail_call(call));
        }
        check_expr(value)?;
        if let Some(name) = single_ident(value) {
            if let Some(value) = self.scope.resolve(name) {
                return Ok((Output::Value(value), None));
            }
            self.scope.record_unresolved(name);
        }
        let captures = self.captures(value);
        Ok((Output::Expression(captures), Some(value.clone())))
    }

    fn tail_call(&mut self, call: ParsedCall) -> (Output, Option<Expr>) {
        let value = self.scope.new_value(&Ident::new("output", Span::mixed_site()));
        self.push(call, ValuePattern::Value(value), None);
        (Output::Value(value), None)
    }

    fn push_discarded(&mut self, call: ParsedCall) {
        let value = self.scope.new_value(&Ident::new("_", Span::mixed_site()));
        self.push(call, ValuePattern::Ignored(value), None);
    }

    fn push(
        &mut self,
        ParsedCall { callee, values, arguments }: ParsedCall,
        output: ValuePattern,
        pattern: Option<Pat>,
    ) {
        self.calls.push(Call { arguments: values, output });
        self.graph_calls.push(GraphCall { callee, arguments, pattern });
    }

    fn call(&mut self, value: &Expr) -> syn::Result<ParsedCall> {
        check_expr(value)?;
        if let Expr::MethodCall(method) = value
            && is_call(&method.receiver)
        {
            let message = "override a policy before the arguments, `fetch_user.retries(2)(id)`; call other methods in an argument or in the final expression";
            return Err(syn::Error::new_spanned(&method.method, message));
        }
        let Expr::Call(call) = value else {
            let message = format!("expected a call of a stage: {EXPECTED}; arguments can be any expressions");
            return Err(syn::Error::new_spanned(value, message));
        };
        if !is_call(value) {
            let message = "this constructs a value and does not call a stage: write it as an argument or as the final expression";
            return Err(syn::Error::new_spanned(&call.func, message));
        }
        if let Some(name) = single_ident(callee(call)).filter(|name| *name == "each" || *name == "batch") {
            let message = "a graph takes one item and returns one, so it cannot contain a boundary: move the boundary before or after the graph";
            return Err(syn::Error::new_spanned(name, message));
        }
        let callee = match callee(call) {
            Expr::Block(block) => block_value(&block.block)?,
            function => {
                let diagnostics = &mut *self.scope.diagnostics;
                let parser = |input: ParseStream<'_>| stage(input, diagnostics).map(Callee::Stage);
                parser.parse2(function.to_token_stream())?
            }
        };
        self.arguments((callee, call.args.iter().cloned().collect()))
    }

    fn arguments(&mut self, (callee, arguments): (Callee, Vec<Expr>)) -> syn::Result<ParsedCall> {
        if let Some(argument) = arguments.get(MAX_ARITY) {
            let message = "a call in a graph has at most eight arguments: group some of them in a struct";
            return Err(syn::Error::new_spanned(argument, message));
        }
        let values = arguments.iter().map(|argument| self.argument(argument)).collect::<syn::Result<_>>()?;
        Ok(ParsedCall { callee, values, arguments })
    }

    fn argument(&mut self, argument: &Expr) -> syn::Result<Argument> {
        let waits_or_fails = match argument {
            Expr::Await(wait) => Some((&wait.base, wait.await_token.to_token_stream())),
            Expr::Try(attempt) => Some((&attempt.expr, attempt.question_token.to_token_stream())),
            _ => None,
        };
        if let Some((_, at)) = waits_or_fails.filter(|(base, _)| single_ident(base).is_none()) {
            let message = "an argument cannot await or fail: do this in a stage, and bind its output, `let user = fetch_user(id);`";
            return Err(syn::Error::new_spanned(at, message));
        }
        check_expr(argument)?;
        if let Some(name) = single_ident(argument) {
            if let Some(value) = self.scope.resolve(name) {
                return Ok(Argument::Value(value));
            }
            self.scope.record_unresolved(name);
        }
        if let Expr::Reference(reference) = argument
            && self.names_a_value(&reference.expr)
        {
            let message = "remove the `&`: a stage that takes a reference borrows the value";
            return Err(syn::Error::new_spanned(argument, message));
        }
        let captures = self.captures(argument);
        self.names_in_scope.push(self.scope.names().cloned().collect());
        Ok(Argument::Expression(self.names_in_scope.len() - 1, captures))
    }

    fn names_a_value(&self, expr: &Expr) -> bool {
        free_variables(expr).iter().any(|variable| self.scope.names().any(|name| *name == variable.name))
    }

    /// The values that an expression uses.
    fn captures(&mut self, expr: &Expr) -> Vec<usize> {
        let mut captures = Vec::new();
        let mut outer_variables = Vec::new();
        for FreeVariable { name, is_variable } in free_variables(expr) {
            match self.scope.resolve(&name) {
                Some(value) if !captures.contains(&value) => captures.push(value),
                Some(_) => {}
                None => {
                    self.scope.record_unresolved(&name);
                    if is_variable && !outer_variables.contains(&name) {
                        outer_variables.push(name.clone());
                    }
                }
            }
            if captures.len() > MAX_ARITY {
                let message =
                    "an expression in a graph uses at most eight values: combine some of them in a stage";
                self.scope.diagnostics.push(syn::Error::new_spanned(name, message));
                break;
            }
        }
        self.outer_variables.push(outer_variables);
        captures
    }
}

struct ParsedCall {
    callee: Callee,
    values: Vec<Argument>,
    arguments: Vec<Expr>,
}

fn block_value(block: &Block) -> syn::Result<Callee> {
    value.parse2(block.to_token_stream()).map(Callee::Value)
}

/// Refuses attributes on what a graph takes apart: a `#[cfg]` there would have no effect.
fn refuse_attributes(block: &Block) -> syn::Result<()> {
    let attributes = block.stmts.iter().flat_map(|statement| match statement {
        Stmt::Local(local) => {
            let own = local.attrs.iter().map(ToTokens::to_token_stream);
            let value = local.init.iter().flat_map(|init| attributes_of_call(&init.expr));
            own.chain(value).collect()
        }
        Stmt::Expr(value, _) => attributes_of_call(value),
        Stmt::Item(_) | Stmt::Macro(_) => Vec::new(),
    });
    match attributes.into_iter().next() {
        Some(attribute) => {
            let message = "a call in a graph cannot have attributes, nor can its arguments: put `#[cfg(…)]` on the statement with the whole pipeline";
            Err(syn::Error::new_spanned(attribute, message))
        }
        None => Ok(()),
    }
}

/// The first attribute of an expression, and of what it calls and passes if it is a call.
fn attributes_of_call(value: &Expr) -> Vec<TokenStream> {
    let parts: Vec<&Expr> = match value {
        Expr::Call(call) => [value, &*call.func].into_iter().chain(&call.args).collect(),
        _ => vec![value],
    };
    let attributes = parts.into_iter().filter_map(|part| {
        let mut tokens = part.to_token_stream().into_iter();
        let is_attribute = matches!(tokens.next(), Some(TokenTree::Punct(punct)) if punct.as_char() == '#');
        if is_attribute { tokens.next().map(TokenStream::from) } else { None }
    });
    attributes.collect()
}

/// Refuses `.await`, `?` and `return`.
fn check_expr(expr: &Expr) -> syn::Result<()> {
    let (at, message): (&dyn ToTokens, _) = match expr {
        Expr::Await(wait) => (&wait.await_token, "the pipeline awaits its calls: remove `.await`"),
        Expr::Try(attempt) => (&attempt.question_token, "a failure already stops the item: remove the `?`"),
        Expr::Return(end) => (&end.return_token, "a graph ends with its output: remove the `return`"),
        _ => return Ok(()),
    };
    Err(syn::Error::new_spanned(at, message))
}

fn single_ident(expr: &Expr) -> Option<&Ident> {
    match expr {
        Expr::Path(path) if path.qself.is_none() => path.path.get_ident(),
        _ => None,
    }
}

fn semicolon(statement: &Stmt) -> Option<Span> {
    match statement {
        Stmt::Local(local) => Some(local.semi_token.span),
        Stmt::Expr(_, Some(semicolon)) => Some(semicolon.span),
        _ => None,
    }
}

/// The names that are in more than one list.
fn in_several(lists: &[Vec<Ident>]) -> Vec<Ident> {
    let names = lists.iter().flatten();
    let mut several: Vec<Ident> = Vec::new();
    for name in names {
        let lists = lists.iter().filter(|list| list.contains(name)).count();
        if lists > 1 && !several.contains(name) {
            several.push(name.clone());
        }
    }
    several
}
