//! The free variables of an expression: the names that it uses and does not bind.

use proc_macro2::{Ident, TokenStream, TokenTree};
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Arm, Block, Expr, ExprCall, ExprClosure, ExprPath, Macro, Pat, PatIdent, Path, Stmt, Token};

/// A name that an expression uses and does not bind.
pub(crate) struct FreeVariable {
    pub(crate) name: Ident,
    /// Whether it certainly is a variable, and neither a function nor a token of a macro.
    pub(crate) is_variable: bool,
}

/// The free variables, in the order of the source.
pub(crate) fn free_variables(expr: &Expr) -> Vec<FreeVariable> {
    let mut collector = Collector::default();
    collector.visit_expr(expr);
    collector.found_names
}

/// The functions that an expression calls by a path that could be that of a stage.
pub(crate) fn called_functions(expr: &Expr) -> Vec<Path> {
    let mut called_functions = CalledFunctions::default();
    called_functions.visit_expr(expr);
    called_functions.0
}

#[derive(Default)]
struct CalledFunctions(Vec<Path>);

impl<'a> Visit<'a> for CalledFunctions {
    fn visit_expr_call(&mut self, call: &'a ExprCall) {
        let mut function = &*call.func;
        while let Expr::Paren(inner) = function {
            function = &inner.expr;
        }
        if let Expr::Path(ExprPath { qself: None, path, .. }) = function
            && is_function_path(path)
        {
            self.0.push(path.clone());
        }
        visit::visit_expr_call(self, call);
    }

    // `format!("{}", stage(x))`: arguments that are expressions, as most macros take them.
    fn visit_macro(&mut self, called: &'a Macro) {
        let arguments = called.parse_body_with(Punctuated::<Expr, Token![,]>::parse_terminated);
        for argument in arguments.into_iter().flatten() {
            self.0.extend(called_functions(&argument));
        }
    }
}

/// Whether a path looks like that of a free function, and neither of an associated one nor of a constructor.
fn is_function_path(path: &Path) -> bool {
    const PRIMITIVES: [&str; 17] = [
        "bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "usize", "i8", "i16", "i32", "i64", "i128",
        "isize", "f32", "f64",
    ];
    let small = |name: &str| !name.trim_start_matches("r#").starts_with(char::is_uppercase);
    let mut names = path.segments.iter().map(|segment| segment.ident.to_string());
    names.all(|name| small(&name) && (path.segments.len() == 1 || !PRIMITIVES.contains(&name.as_str())))
}

#[derive(Default)]
struct Collector {
    found_names: Vec<FreeVariable>,
    /// The names that the expression binds, as far as they are in scope.
    bound: Vec<Ident>,
}

impl Collector {
    /// Visits the scope of these patterns.
    fn in_scope_of<'a>(
        &mut self,
        patterns: impl IntoIterator<Item = &'a Pat>,
        visit: impl FnOnce(&mut Self),
    ) {
        let before = self.bound.len();
        for pattern in patterns {
            self.bind(pattern);
        }
        visit(self);
        self.bound.truncate(before);
    }

    fn bind(&mut self, pattern: &Pat) {
        let mut bound = PatternNames::default();
        bound.visit_pat(pattern);
        self.bound.append(&mut bound.0);
    }

    fn name(&mut self, name: &Ident, is_variable: bool) {
        if !self.bound.contains(name) {
            self.found_names.push(FreeVariable { name: name.clone(), is_variable });
        }
    }

    /// The names in the arguments of a macro, and in its format strings. One name too many does no harm: the value is only
    /// borrowed.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut before = ' ';
        let mut tokens = tokens.into_iter().peekable();
        while let Some(token) = tokens.next() {
            match &token {
                TokenTree::Ident(name) => {
                    let path = matches!(tokens.peek(), Some(TokenTree::Punct(next)) if next.as_char() == ':');
                    if before != '.' && before != ':' && !path {
                        self.name(name, false);
                    }
                }
                TokenTree::Group(group) => self.tokens(group.stream()),
                TokenTree::Literal(literal) => {
                    for piece in literal.to_string().split('{').skip(1) {
                        let end =
                            piece.find(|c: char| c != '_' && !c.is_alphanumeric()).unwrap_or(piece.len());
                        if let Ok(name) = syn::parse_str::<Ident>(&piece[..end]) {
                            self.name(&Ident::new(&name.to_string(), literal.span()), false);
                        }
                    }
                }
                TokenTree::Punct(_) => {}
            }
            before = match &token {
                TokenTree::Punct(punct) => punct.as_char(),
                _ => ' ',
            };
        }
    }
}

impl<'a> Visit<'a> for Collector {
    fn visit_expr_path(&mut self, path: &'a ExprPath) {
        if let (None, Some(name)) = (&path.qself, path.path.get_ident()) {
            self.name(name, name.to_string().starts_with(char::is_lowercase));
        }
    }

    fn visit_expr_call(&mut self, call: &'a ExprCall) {
        match &*call.func {
            Expr::Path(ExprPath { qself: None, path, .. }) if path.get_ident().is_some() => {
                path.get_ident().into_iter().for_each(|name| self.name(name, false));
            }
            function => self.visit_expr(function),
        }
        call.args.iter().for_each(|argument| self.visit_expr(argument));
    }

    fn visit_expr_closure(&mut self, closure: &'a ExprClosure) {
        self.in_scope_of(&closure.inputs, |free_variables| free_variables.visit_expr(&closure.body));
    }

    fn visit_arm(&mut self, arm: &'a Arm) {
        self.in_scope_of([&arm.pat], |free_variables| visit::visit_arm(free_variables, arm));
    }

    fn visit_block(&mut self, block: &'a Block) {
        let before = self.bound.len();
        for statement in &block.stmts {
            self.visit_stmt(statement);
            if let Stmt::Local(local) = statement {
                self.bind(&local.pat);
            }
        }
        self.bound.truncate(before);
    }

    fn visit_macro(&mut self, called_functions: &'a Macro) {
        self.tokens(called_functions.tokens.clone());
    }
}

/// The names that a pattern binds.
#[derive(Default)]
struct PatternNames(Vec<Ident>);

impl<'a> Visit<'a> for PatternNames {
    fn visit_pat_ident(&mut self, ident: &'a PatIdent) {
        self.0.push(ident.ident.clone());
        visit::visit_pat_ident(self, ident);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(expr: &str) -> Vec<String> {
        let expr = syn::parse_str(expr).expect("an expression");
        free_variables(&expr).iter().map(|variable| variable.name.to_string()).collect()
    }

    #[test]
    fn names_of_values_are_found() {
        assert_eq!(names("user.name.len() + f(orders)"), ["user", "f", "orders"]);
        assert_eq!(names("Page { user, score: rank }"), ["user", "rank"]);
        assert_eq!(names("[a, (b, &c)][d]"), ["a", "b", "c", "d"]);
    }

    #[test]
    fn names_that_the_expression_binds_are_not() {
        assert_eq!(names("list.map(|user| user.id + other)"), ["list", "other"]);
        assert_eq!(names("match a { Some(b) if b > c => b, _ => d }"), ["a", "c", "d"]);
        assert_eq!(names("{ let x = y; x + z }"), ["y", "z"]);
        assert_eq!(names("f(s, |s| s)"), ["f", "s"]);
    }

    #[test]
    fn fields_methods_and_paths_are_not() {
        assert_eq!(names("a.user.user() + user::b + Page { user: a }.user"), ["a", "a"]);
    }

    #[test]
    fn functions_constants_and_words_in_macros_are_no_variables() {
        let expr = syn::parse_str("f(a, LIMIT, matches!(b, c))").expect("an expression");
        let variables = free_variables(&expr).into_iter().filter(|variable| variable.is_variable);
        assert_eq!(variables.map(|variable| variable.name.to_string()).collect::<Vec<_>>(), ["a"]);
    }

    #[test]
    fn calls_that_may_be_of_stages_are_found() {
        let expr = syn::parse_str("f(a::b(x), u32::from(y), Page::new(z), Some(g(1)), w.h())")
            .expect("an expression");
        let names = called_functions(&expr).into_iter().map(|path| quote::quote!(#path).to_string());
        assert_eq!(names.collect::<Vec<_>>(), ["f", "a :: b", "g"]);
    }

    #[test]
    fn macros_mention_what_they_format() {
        assert_eq!(names(r#"format!("{user} of {count:>4} {}", orders.len())"#), ["user", "count", "orders"]);
    }
}
