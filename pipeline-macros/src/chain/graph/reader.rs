//! A graph, read from top to bottom: which value each name stands for.

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Block, Expr, Pat, Stmt, Type};

use super::{EXPECTED, MAX_ARITY, Statement, is_call, statements};
use crate::chain::dataflow::{Argument, Call, Dataflow, Output, ValuePattern};
use crate::chain::free_variables::{FreeVariable, free_variables};
use crate::chain::model::{Graph, Step};
use crate::diagnostics::{Diagnostics, nearest};

/// A name that stands for a value.
struct Binding {
    name: Ident,
    value: usize,
    used: bool,
}

/// Reads a graph from top to bottom.
pub(super) struct Reader<'a> {
    diagnostics: &'a mut Diagnostics,
    /// The names in sight. Of two that are the same, the later one counts.
    bindings: Vec<Binding>,
    /// The names that are bound further down.
    bound_later: Vec<Ident>,
    /// Those of them that were used too early: that is said once.
    used_early: Vec<Ident>,
    /// The names that stand for no value. They may stand for something outside.
    unresolved: Vec<Ident>,
    value_names: Vec<Ident>,
    calls: Vec<Call>,
    callees: Vec<Step>,
    arguments: Vec<Vec<Expr>>,
    output_patterns: Vec<Option<Pat>>,
    /// For each expression the names in sight.
    names_in_scope: Vec<Vec<Ident>>,
    /// For each expression that was looked at the variables from outside.
    outer_variables: Vec<Vec<Ident>>,
}

impl<'a> Reader<'a> {
    pub(super) fn read(
        input_pattern: Pat,
        input: Type,
        block: &Block,
        diagnostics: &'a mut Diagnostics,
    ) -> syn::Result<Step> {
        let statements = statements(block);
        let mut bound_later = Vec::new();
        for statement in &statements {
            if let Statement::Let { pattern, .. } = statement {
                pattern_names(pattern, &mut bound_later);
            }
        }
        bound_later.reverse();
        let mut reader = Self {
            diagnostics,
            bindings: Vec::new(),
            bound_later,
            used_early: Vec::new(),
            unresolved: Vec::new(),
            value_names: Vec::new(),
            calls: Vec::new(),
            callees: Vec::new(),
            arguments: Vec::new(),
            output_patterns: Vec::new(),
            names_in_scope: Vec::new(),
            outer_variables: Vec::new(),
        };
        let input_shape = reader.bind(&input_pattern)?;
        let mut last = None;
        for statement in statements {
            last = reader.statement(statement)?;
        }
        let Some((output, last)) = last else {
            let end = block
                .stmts
                .last()
                .map_or_else(|| block.span(), |last| semicolon(last).unwrap_or(last.span()));
            return Err(syn::Error::new(
                end,
                "a graph ends in what it gives: an expression without a `;`, such as a call, a name or a tuple of names",
            ));
        };
        let unused: Vec<_> = reader.bindings.drain(..).filter(|binding| !binding.used).collect();
        for binding in &unused {
            reader.report_unused(binding, &input_shape);
        }
        let Reader {
            value_names,
            calls,
            callees,
            arguments,
            output_patterns,
            names_in_scope,
            outer_variables,
            ..
        } = reader;
        let shared_variables = in_several(&outer_variables);
        let dataflow = Dataflow { input: input_shape, calls, output };
        let at = input_pattern.span();
        Ok(Step::Graph(Box::new(Graph {
            input_span: at,
            input,
            value_names,
            dataflow,
            callees,
            arguments,
            names_in_scope,
            shared_variables,
            output_patterns,
            input_pattern,
            tail: last,
        })))
    }

    /// What a graph gives, if this is its end; and the expression, if it is one.
    fn statement(&mut self, statement: Statement<'_>) -> syn::Result<Option<(Output, Option<Expr>)>> {
        match statement {
            Statement::Let { pattern, value } => {
                let call = self.call(value)?;
                let mut own = Vec::new();
                pattern_names(pattern, &mut own);
                self.bound_later.truncate(self.bound_later.len().saturating_sub(own.len()));
                let output = self.bind(pattern)?;
                self.push(call, output, Some(pattern.clone()));
                Ok(None)
            }
            Statement::Discarded(value, end) => {
                if matches!(value, Expr::Path(_) | Expr::Tuple(_)) {
                    let message = "a graph ends in what it gives: leave this `;` out";
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
            if let Some(value) = self.resolve(name) {
                return Ok((Output::Value(value), None));
            }
            self.unresolved(name);
        }
        let captures = self.captures(value);
        Ok((Output::Expression(captures), Some(value.clone())))
    }

    fn tail_call(&mut self, call: ParsedCall) -> (Output, Option<Expr>) {
        let value = self.new_value(&Ident::new("output", Span::mixed_site()));
        self.push(call, ValuePattern::Value(value), None);
        (Output::Value(value), None)
    }

    fn push_discarded(&mut self, call: ParsedCall) {
        let value = self.new_value(&Ident::new("_", Span::mixed_site()));
        self.push(call, ValuePattern::Ignored(value), None);
    }

    fn push(
        &mut self,
        ParsedCall { stage, values, arguments }: ParsedCall,
        output: ValuePattern,
        pattern: Option<Pat>,
    ) {
        self.calls.push(Call { arguments: values, output });
        self.callees.push(stage);
        self.arguments.push(arguments);
        self.output_patterns.push(pattern);
    }

    fn call(&mut self, value: &Expr) -> syn::Result<ParsedCall> {
        check_expr(value)?;
        if let Expr::MethodCall(method) = value
            && is_call(&method.receiver)
        {
            let message = "a policy is overridden in front of the arguments, `fetch_user.retries(2)(id)`; another method belongs in an argument or at the end";
            return Err(syn::Error::new_spanned(&method.method, message));
        }
        let Expr::Call(call) = value else {
            let message =
                format!("only stages are called here: {EXPECTED}; an expression can be an argument");
            return Err(syn::Error::new_spanned(value, message));
        };
        if !is_call(value) {
            let message = "this makes a value and calls no stage: write it as an argument, or at the end";
            return Err(syn::Error::new_spanned(&call.func, message));
        }
        if let Some(name) = single_ident(&call.func).filter(|name| *name == "each" || *name == "batch") {
            let message = "a boundary cannot stand in a graph, which takes one item and gives one: put it in front of the graph or behind it";
            return Err(syn::Error::new_spanned(name, message));
        }
        let stage = match &*call.func {
            Expr::Block(block) => block_value(&block.block)?,
            function => {
                let diagnostics = &mut *self.diagnostics;
                let parser = |input: ParseStream<'_>| crate::chain::parse::stage(input, diagnostics);
                parser.parse2(function.to_token_stream())?
            }
        };
        self.arguments((stage, call.args.iter().cloned().collect()))
    }

    fn arguments(&mut self, (stage, arguments): (Step, Vec<Expr>)) -> syn::Result<ParsedCall> {
        if let Some(argument) = arguments.get(MAX_ARITY) {
            let message = "a call in a graph has up to eight arguments: put some of them into a struct";
            return Err(syn::Error::new_spanned(argument, message));
        }
        let values = arguments.iter().map(|argument| self.argument(argument)).collect::<syn::Result<_>>()?;
        Ok(ParsedCall { stage, values, arguments })
    }

    fn argument(&mut self, argument: &Expr) -> syn::Result<Argument> {
        let waits_or_fails = match argument {
            Expr::Await(wait) => Some((&wait.base, wait.await_token.to_token_stream())),
            Expr::Try(attempt) => Some((&attempt.expr, attempt.question_token.to_token_stream())),
            _ => None,
        };
        if let Some((_, at)) = waits_or_fails.filter(|(base, _)| single_ident(base).is_none()) {
            let message = "an argument does not wait or fail: let a stage do this, and give what it returns a name, `let user = fetch_user(id);`";
            return Err(syn::Error::new_spanned(at, message));
        }
        check_expr(argument)?;
        if let Some(name) = single_ident(argument) {
            if let Some(value) = self.resolve(name) {
                return Ok(Argument::Value(value));
            }
            self.unresolved(name);
        }
        if let Expr::Reference(reference) = argument
            && self.names_a_value(&reference.expr)
        {
            let message = "leave the `&` out: what a stage takes by reference is lent to it";
            return Err(syn::Error::new_spanned(argument, message));
        }
        let captures = self.captures(argument);
        self.names_in_scope.push(self.bindings.iter().map(|binding| binding.name.clone()).collect());
        Ok(Argument::Expression(self.names_in_scope.len() - 1, captures))
    }

    fn names_a_value(&self, expr: &Expr) -> bool {
        free_variables(expr)
            .iter()
            .any(|variable| self.bindings.iter().any(|binding| binding.name == variable.name))
    }

    /// The value that a name stands for.
    fn resolve(&mut self, name: &Ident) -> Option<usize> {
        let binding = self.bindings.iter_mut().rev().find(|binding| binding.name == *name)?;
        binding.used = true;
        Some(binding.value)
    }

    /// A name that stands for no value so far. It may stand for something outside.
    fn unresolved(&mut self, name: &Ident) {
        if self.bound_later.contains(name) {
            let message = format!("`{name}` is used before it is there: it is bound further down");
            self.diagnostics.push(syn::Error::new_spanned(name, message));
            self.used_early.push(name.clone());
        } else {
            self.unresolved.push(name.clone());
        }
    }

    /// The values that an expression names.
    fn captures(&mut self, expr: &Expr) -> Vec<usize> {
        let mut captures = Vec::new();
        let mut outer_variables = Vec::new();
        for FreeVariable { name, is_variable } in free_variables(expr) {
            match self.resolve(&name) {
                Some(value) if !captures.contains(&value) => captures.push(value),
                Some(_) => {}
                None => {
                    self.unresolved(&name);
                    if is_variable && !outer_variables.contains(&name) {
                        outer_variables.push(name.clone());
                    }
                }
            }
            if captures.len() > MAX_ARITY {
                let message = "an expression in a graph looks at up to eight values: let a stage put some of them together";
                self.diagnostics.push(syn::Error::new_spanned(name, message));
                break;
            }
        }
        self.outer_variables.push(outer_variables);
        captures
    }

    /// Binds the names of a pattern to fresh values.
    fn bind(&mut self, pattern: &Pat) -> syn::Result<ValuePattern> {
        match pattern {
            Pat::Ident(ident)
                if ident.by_ref.is_none() && ident.mutability.is_none() && ident.subpat.is_none() =>
            {
                let name = &ident.ident;
                let value = self.new_value(name);
                if name.to_string().starts_with('_') {
                    return Ok(ValuePattern::Ignored(value));
                }
                if let Some(index) = self.bindings.iter().position(|binding| binding.name == *name) {
                    let shadowed = self.bindings.remove(index);
                    if !shadowed.used {
                        let message =
                            format!("`{name}` is never used: the `{name}` further down takes its name");
                        self.diagnostics.push(syn::Error::new_spanned(&shadowed.name, message));
                    }
                }
                let used = self.used_early.contains(name);
                self.bindings.push(Binding { name: name.clone(), value, used });
                Ok(ValuePattern::Value(value))
            }
            Pat::Wild(_) => {
                let value = self.new_value(&Ident::new("_", Span::mixed_site()));
                Ok(ValuePattern::Ignored(value))
            }
            Pat::Tuple(tuple) if tuple.elems.len() > MAX_ARITY => Err(syn::Error::new_spanned(
                &tuple.elems[MAX_ARITY],
                "a tuple is taken apart into up to eight names: let the stage return a struct",
            )),
            Pat::Tuple(tuple) if !tuple.elems.iter().any(|part| matches!(part, Pat::Rest(_))) => {
                let parts = tuple.elems.iter().map(|part| self.bind(part)).collect::<syn::Result<_>>()?;
                Ok(ValuePattern::Tuple(parts))
            }
            Pat::Paren(inner) => self.bind(&inner.pat),
            Pat::Type(typed) => Err(syn::Error::new_spanned(
                &typed.ty,
                "a value has the type that its stage gives: leave this out; a generic stage is given its types like `decode::<Airport>(body)`",
            )),
            Pat::Ident(ident) if ident.mutability.is_some() => Err(syn::Error::new_spanned(
                ident.mutability,
                "a value in a graph does not change: leave this out",
            )),
            other => Err(syn::Error::new_spanned(
                other,
                "a value is bound to a name, to `_`, or to a tuple of them: `let (user, orders) = …`",
            )),
        }
    }

    fn new_value(&mut self, name: &Ident) -> usize {
        self.value_names.push(name.clone());
        self.value_names.len() - 1
    }

    fn report_unused(&mut self, Binding { name, value, .. }: &Binding, input: &ValuePattern) {
        let meant =
            |unresolved: &&Ident| nearest(&unresolved.to_string(), [name.to_string().as_str()]).is_some();
        if let Some(unresolved) = self.unresolved.iter().find(meant) {
            let message = format!(
                "`{unresolved}` is no value of this graph, and `{name}` is never used: did you mean `{name}`?"
            );
            self.diagnostics.push(syn::Error::new_spanned(unresolved, message));
            return;
        }
        let message = if input.values().contains(value) {
            format!("`{name}` is never used: call it `_`, if nothing depends on it")
        } else {
            format!("`{name}` is never used: leave it out, or call it `_` if it is to run all the same")
        };
        self.diagnostics.push(syn::Error::new_spanned(name, message));
    }
}

/// A call that was read.
struct ParsedCall {
    stage: Step,
    values: Vec<Argument>,
    arguments: Vec<Expr>,
}

fn block_value(block: &Block) -> syn::Result<Step> {
    crate::chain::parse::value.parse2(block.to_token_stream())
}

/// What looks like code that waits or fails by itself, and is not needed.
fn check_expr(expr: &Expr) -> syn::Result<()> {
    let (at, message): (&dyn ToTokens, _) = match expr {
        Expr::Await(wait) => {
            (&wait.await_token, "a call is not awaited here, but by the pipeline: leave `.await` out")
        }
        Expr::Try(attempt) => {
            (&attempt.question_token, "a `?` is not needed: a failure ends the item's way by itself")
        }
        Expr::Return(end) => (&end.return_token, "a graph ends in what it gives: leave the `return` out"),
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

fn pattern_names(pattern: &Pat, names: &mut Vec<Ident>) {
    match pattern {
        Pat::Ident(ident) => names.push(ident.ident.clone()),
        Pat::Tuple(tuple) => tuple.elems.iter().for_each(|part| pattern_names(part, names)),
        Pat::Paren(inner) => pattern_names(&inner.pat, names),
        Pat::Type(typed) => pattern_names(&typed.pat, names),
        _ => {}
    }
}

/// The names that are in several of these lists.
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
