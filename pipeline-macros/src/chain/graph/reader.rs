//! A graph, read from top to bottom: which value each name stands for.

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{Block, Expr, Pat, Stmt, Type};

use super::{MOST, SHAPE, Statement, is_call, statements};
use crate::chain::mentions::{Mention, mentions};
use crate::chain::model::{Graph, Step};
use crate::chain::weave::{Argument, Call, Net, Output, Shape};
use crate::diagnostics::{Diagnostics, nearest};

/// A name that stands for a value.
struct Bound {
    name: Ident,
    value: usize,
    used: bool,
}

/// Reads a graph from top to bottom.
pub(super) struct Reader<'a> {
    diagnostics: &'a mut Diagnostics,
    /// The names in sight. Of two that are the same, the later one counts.
    bound: Vec<Bound>,
    /// The names that are bound further down.
    later: Vec<Ident>,
    /// Those of them that were used too early: that is said once.
    early: Vec<Ident>,
    /// The names that stand for no value. They may stand for something outside.
    unknown: Vec<Ident>,
    names: Vec<Ident>,
    calls: Vec<Call>,
    stages: Vec<Step>,
    arguments: Vec<Vec<Expr>>,
    patterns: Vec<Option<Pat>>,
    /// For each expression the names in sight.
    sight: Vec<Vec<Ident>>,
    /// For each expression that was looked at the variables from outside.
    outside: Vec<Vec<Ident>>,
}

impl<'a> Reader<'a> {
    pub(super) fn read(
        input_pattern: Pat,
        input: Type,
        block: &Block,
        diagnostics: &'a mut Diagnostics,
    ) -> syn::Result<Step> {
        let statements = statements(block);
        let mut later = Vec::new();
        for statement in &statements {
            if let Statement::Let { pattern, .. } = statement {
                names_of(pattern, &mut later);
            }
        }
        later.reverse();
        let mut reader = Self {
            diagnostics,
            bound: Vec::new(),
            later,
            early: Vec::new(),
            unknown: Vec::new(),
            names: Vec::new(),
            calls: Vec::new(),
            stages: Vec::new(),
            arguments: Vec::new(),
            patterns: Vec::new(),
            sight: Vec::new(),
            outside: Vec::new(),
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
        let unused: Vec<_> = reader.bound.drain(..).filter(|bound| !bound.used).collect();
        for bound in &unused {
            reader.never_used(bound, &input_shape);
        }
        let Reader { names, calls, stages, arguments, patterns, sight, outside, .. } = reader;
        let shared = several(&outside);
        let net = Net { input: input_shape, calls, output };
        let at = input_pattern.span();
        Ok(Step::Graph(Box::new(Graph {
            at,
            input,
            names,
            net,
            stages,
            arguments,
            sight,
            shared,
            patterns,
            input_pattern,
            last,
        })))
    }

    /// What a graph gives, if this is its end; and the expression, if it is one.
    fn statement(&mut self, statement: Statement<'_>) -> syn::Result<Option<(Output, Option<Expr>)>> {
        match statement {
            Statement::Let { pattern, value } => {
                let call = self.call(value)?;
                let mut own = Vec::new();
                names_of(pattern, &mut own);
                self.later.truncate(self.later.len().saturating_sub(own.len()));
                let output = self.bind(pattern)?;
                self.push(call, output, Some(pattern.clone()));
                Ok(None)
            }
            Statement::Effect(value, end) => {
                if matches!(value, Expr::Path(_) | Expr::Tuple(_)) {
                    let message = "a graph ends in what it gives: leave this `;` out";
                    return Err(syn::Error::new_spanned(end, message));
                }
                let call = self.call(value)?;
                self.effect(call);
                Ok(None)
            }
            Statement::CallOfBlock { block, arguments, end } => {
                let call = (of_block(block)?, arguments);
                let call = self.arguments(call)?;
                if end.is_some() {
                    self.effect(call);
                    return Ok(None);
                }
                Ok(Some(self.last_call(call)))
            }
            Statement::Last(value) => self.last(value).map(Some),
            Statement::Other(statement) => Err(syn::Error::new_spanned(statement, SHAPE)),
        }
    }

    fn last(&mut self, value: &Expr) -> syn::Result<(Output, Option<Expr>)> {
        if is_call(value) {
            let call = self.call(value)?;
            return Ok(self.last_call(call));
        }
        refuse(value)?;
        if let Some(name) = lone_name(value) {
            if let Some(value) = self.look_up(name) {
                return Ok((Output::Value(value), None));
            }
            self.unknown(name);
        }
        let looks = self.looks(value);
        Ok((Output::Expression(looks), Some(value.clone())))
    }

    fn last_call(&mut self, call: Read) -> (Output, Option<Expr>) {
        let value = self.fresh(&Ident::new("output", Span::mixed_site()));
        self.push(call, Shape::Value(value), None);
        (Output::Value(value), None)
    }

    fn effect(&mut self, call: Read) {
        let value = self.fresh(&Ident::new("_", Span::mixed_site()));
        self.push(call, Shape::Nothing(value), None);
    }

    fn push(&mut self, Read { stage, values, arguments }: Read, output: Shape, pattern: Option<Pat>) {
        self.calls.push(Call { arguments: values, output });
        self.stages.push(stage);
        self.arguments.push(arguments);
        self.patterns.push(pattern);
    }

    fn call(&mut self, value: &Expr) -> syn::Result<Read> {
        refuse(value)?;
        if let Expr::MethodCall(method) = value
            && is_call(&method.receiver)
        {
            let message = "a policy is overridden in front of the arguments, `fetch_user.retries(2)(id)`; another method belongs in an argument or at the end";
            return Err(syn::Error::new_spanned(&method.method, message));
        }
        let Expr::Call(call) = value else {
            let message = format!("only stages are called here: {SHAPE}; an expression can be an argument");
            return Err(syn::Error::new_spanned(value, message));
        };
        if !is_call(value) {
            let message = "this makes a value and calls no stage: write it as an argument, or at the end";
            return Err(syn::Error::new_spanned(&call.func, message));
        }
        if let Some(name) = lone_name(&call.func).filter(|name| *name == "each" || *name == "batch") {
            let message = "a boundary cannot stand in a graph, which takes one item and gives one: put it in front of the graph or behind it";
            return Err(syn::Error::new_spanned(name, message));
        }
        let stage = match &*call.func {
            Expr::Block(block) => of_block(&block.block)?,
            function => {
                let diagnostics = &mut *self.diagnostics;
                let parser = |input: ParseStream<'_>| crate::chain::parse::stage(input, diagnostics);
                parser.parse2(function.to_token_stream())?
            }
        };
        self.arguments((stage, call.args.iter().cloned().collect()))
    }

    fn arguments(&mut self, (stage, arguments): (Step, Vec<Expr>)) -> syn::Result<Read> {
        if let Some(argument) = arguments.get(MOST) {
            let message = "a call in a graph has up to eight arguments: put some of them into a struct";
            return Err(syn::Error::new_spanned(argument, message));
        }
        let values = arguments.iter().map(|argument| self.argument(argument)).collect::<syn::Result<_>>()?;
        Ok(Read { stage, values, arguments })
    }

    fn argument(&mut self, argument: &Expr) -> syn::Result<Argument> {
        let waits_or_fails = match argument {
            Expr::Await(wait) => Some((&wait.base, wait.await_token.to_token_stream())),
            Expr::Try(attempt) => Some((&attempt.expr, attempt.question_token.to_token_stream())),
            _ => None,
        };
        if let Some((_, at)) = waits_or_fails.filter(|(base, _)| lone_name(base).is_none()) {
            let message = "an argument does not wait or fail: let a stage do this, and give what it returns a name, `let user = fetch_user(id);`";
            return Err(syn::Error::new_spanned(at, message));
        }
        refuse(argument)?;
        if let Some(name) = lone_name(argument) {
            if let Some(value) = self.look_up(name) {
                return Ok(Argument::Value(value));
            }
            self.unknown(name);
        }
        if let Expr::Reference(reference) = argument
            && self.names_a_value(&reference.expr)
        {
            let message = "leave the `&` out: what a stage takes by reference is lent to it";
            return Err(syn::Error::new_spanned(argument, message));
        }
        let looks = self.looks(argument);
        self.sight.push(self.bound.iter().map(|bound| bound.name.clone()).collect());
        Ok(Argument::Expression(self.sight.len() - 1, looks))
    }

    fn names_a_value(&self, expr: &Expr) -> bool {
        mentions(expr).iter().any(|mention| self.bound.iter().any(|bound| bound.name == mention.name))
    }

    /// The value that a name stands for.
    fn look_up(&mut self, name: &Ident) -> Option<usize> {
        let bound = self.bound.iter_mut().rev().find(|bound| bound.name == *name)?;
        bound.used = true;
        Some(bound.value)
    }

    /// A name that stands for no value so far. It may stand for something outside.
    fn unknown(&mut self, name: &Ident) {
        if self.later.contains(name) {
            let message = format!("`{name}` is used before it is there: it is bound further down");
            self.diagnostics.push(syn::Error::new_spanned(name, message));
            self.early.push(name.clone());
        } else {
            self.unknown.push(name.clone());
        }
    }

    /// The values that an expression names.
    fn looks(&mut self, expr: &Expr) -> Vec<usize> {
        let mut looks = Vec::new();
        let mut outside = Vec::new();
        for Mention { name, variable } in mentions(expr) {
            match self.look_up(&name) {
                Some(value) if !looks.contains(&value) => looks.push(value),
                Some(_) => {}
                None => {
                    self.unknown(&name);
                    if variable && !outside.contains(&name) {
                        outside.push(name.clone());
                    }
                }
            }
            if looks.len() > MOST {
                let message = "an expression in a graph looks at up to eight values: let a stage put some of them together";
                self.diagnostics.push(syn::Error::new_spanned(name, message));
                break;
            }
        }
        self.outside.push(outside);
        looks
    }

    /// Binds the names of a pattern to fresh values.
    fn bind(&mut self, pattern: &Pat) -> syn::Result<Shape> {
        match pattern {
            Pat::Ident(ident)
                if ident.by_ref.is_none() && ident.mutability.is_none() && ident.subpat.is_none() =>
            {
                let name = &ident.ident;
                let value = self.fresh(name);
                if name.to_string().starts_with('_') {
                    return Ok(Shape::Nothing(value));
                }
                if let Some(index) = self.bound.iter().position(|bound| bound.name == *name) {
                    let shadowed = self.bound.remove(index);
                    if !shadowed.used {
                        let message =
                            format!("`{name}` is never used: the `{name}` further down takes its name");
                        self.diagnostics.push(syn::Error::new_spanned(&shadowed.name, message));
                    }
                }
                let used = self.early.contains(name);
                self.bound.push(Bound { name: name.clone(), value, used });
                Ok(Shape::Value(value))
            }
            Pat::Wild(_) => {
                let value = self.fresh(&Ident::new("_", Span::mixed_site()));
                Ok(Shape::Nothing(value))
            }
            Pat::Tuple(tuple) if tuple.elems.len() > MOST => Err(syn::Error::new_spanned(
                &tuple.elems[MOST],
                "a tuple is taken apart into up to eight names: let the stage return a struct",
            )),
            Pat::Tuple(tuple) if !tuple.elems.iter().any(|part| matches!(part, Pat::Rest(_))) => {
                let parts = tuple.elems.iter().map(|part| self.bind(part)).collect::<syn::Result<_>>()?;
                Ok(Shape::Tuple(parts))
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

    fn fresh(&mut self, name: &Ident) -> usize {
        self.names.push(name.clone());
        self.names.len() - 1
    }

    fn never_used(&mut self, Bound { name, value, .. }: &Bound, input: &Shape) {
        let meant = |unknown: &&Ident| nearest(&unknown.to_string(), [name.to_string().as_str()]).is_some();
        if let Some(unknown) = self.unknown.iter().find(meant) {
            let message = format!(
                "`{unknown}` is no value of this graph, and `{name}` is never used: did you mean `{name}`?"
            );
            self.diagnostics.push(syn::Error::new_spanned(unknown, message));
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
struct Read {
    stage: Step,
    values: Vec<Argument>,
    arguments: Vec<Expr>,
}

fn of_block(block: &Block) -> syn::Result<Step> {
    crate::chain::parse::value.parse2(block.to_token_stream())
}

/// What looks like code that waits or fails by itself, and is not needed.
fn refuse(expr: &Expr) -> syn::Result<()> {
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

fn lone_name(expr: &Expr) -> Option<&Ident> {
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

fn names_of(pattern: &Pat, names: &mut Vec<Ident>) {
    match pattern {
        Pat::Ident(ident) => names.push(ident.ident.clone()),
        Pat::Tuple(tuple) => tuple.elems.iter().for_each(|part| names_of(part, names)),
        Pat::Paren(inner) => names_of(&inner.pat, names),
        Pat::Type(typed) => names_of(&typed.pat, names),
        _ => {}
    }
}

/// The names that are in several of these lists.
fn several(lists: &[Vec<Ident>]) -> Vec<Ident> {
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
