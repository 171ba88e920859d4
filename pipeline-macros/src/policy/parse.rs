//! Options as written → a policy with checked values.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, ExprLit, ExprPath, Lit, LitStr, Token, UnOp};

use super::model::{Policy, Predicate, Spanned};
use super::options;
use crate::diagnostics::Diagnostics;
use crate::value::{Growth, Rate, duration, nonzero_duration};

/// An option with its value, not yet checked.
pub(crate) struct RawOption {
    pub(crate) key: Ident,
    pub(crate) value: Option<Expr>,
}

/// Parses the inside of `#[stage(...)]`. What cannot be parsed is reported and skipped.
pub(crate) fn parse_attribute(tokens: TokenStream, diagnostics: &mut Diagnostics) -> Policy {
    let parser = |input: ParseStream<'_>| Ok(raw_options(input, diagnostics));
    // The parser never fails.
    let raw_options = parser.parse2(tokens).unwrap_or_default();
    let mut policy = Policy::default();
    for raw_option in raw_options {
        policy.set(raw_option, OptionSite::Attribute, diagnostics);
    }
    policy
}

/// Adds `.key(value)` to a policy.
pub(crate) fn parse_override(policy: &mut Policy, raw_option: RawOption, diagnostics: &mut Diagnostics) {
    policy.set(raw_option, OptionSite::Override, diagnostics);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum OptionSite {
    Attribute,
    Override,
}

fn raw_options(input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> Vec<RawOption> {
    let mut options = Vec::new();
    while !input.is_empty() {
        match raw_option(input) {
            Ok(option) => options.push(option),
            Err(error) => {
                diagnostics.push(error);
                skip_to_comma(input);
            }
        }
        // A comma or the end is next.
        let _: syn::Result<Token![,]> = input.parse();
    }
    options
}

fn raw_option(input: ParseStream<'_>) -> syn::Result<RawOption> {
    if !input.peek(Ident::peek_any) {
        return Err(input.error("expected the name of an option, such as `retries = 3`"));
    }
    let key = input.call(Ident::parse_any)?;
    let value = if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        if input.is_empty() || input.peek(Token![,]) {
            return Err(syn::Error::new(key.span(), format!("`{key}` has no value: {}", usage(&key))));
        }
        Some(input.parse()?)
    } else {
        None
    };
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(RawOption { key, value });
    }
    Err(match value {
        Some(_) => input.error("expected `,` between two options"),
        None => input.error(format_args!("expected `=` or `,` after `{key}`: {}", usage(&key))),
    })
}

fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        let _: syn::Result<proc_macro2::TokenTree> = input.parse();
    }
}

fn usage(key: &Ident) -> String {
    match options::find(&key.to_string()) {
        Some(spec) => format!("write `{}`", spec.example),
        None => "write `option = value`".to_owned(),
    }
}

impl Policy {
    fn set(&mut self, raw_option: RawOption, site: OptionSite, diagnostics: &mut Diagnostics) {
        let RawOption { key, value } = raw_option;
        let reader = OptionReader { key: &key, value, site };
        let result = match key.to_string().as_str() {
            "name" => reader.read_into(&mut self.name, |value| value.text(name)),
            "retries" => reader.read_into(&mut self.retries, |value| value.count("retries")),
            "backoff" => reader.read_into(&mut self.backoff, |value| value.text(Growth::parse)),
            "delay" => reader.read_into(&mut self.delay, |value| value.text(duration)),
            "max_delay" => reader.read_into(&mut self.max_delay, |value| value.text(nonzero_duration)),
            "jitter" => reader.flag(&mut self.jitter),
            "pause_all" => reader.flag(&mut self.pause_all),
            "timeout" => reader.read_into(&mut self.timeout, |value| value.text(nonzero_duration)),
            "deadline" => reader.read_into(&mut self.deadline, |value| value.text(nonzero_duration)),
            "concurrency" => reader.read_into(&mut self.concurrency, |value| {
                value.at_least_one("concurrent calls", "with 0, no call would ever start")
            }),
            "burst" => reader.read_into(&mut self.burst, |value| {
                value.at_least_one("calls at once", "with 0, no call would ever start")
            }),
            "rate" => reader.read_into(&mut self.rate, rate),
            "retry_if" => reader.read_into(&mut self.retry_if, OptionValue::predicate),
            "retry_after" => reader.read_into(&mut self.retry_after, OptionValue::predicate),
            "crate" => {
                reader.read_into(&mut self.crate_path, |value| value.path("the path of the `pipeline` crate"))
            }
            "in_order" => reader.flag(&mut self.in_order),
            "fallible" => reader.flag(&mut self.fallible),
            "blocking" => reader.flag(&mut self.blocking),
            "split_on_failure" => reader.flag(&mut self.split),
            "split_if" => reader.read_into(&mut self.split_if, OptionValue::predicate),
            "split_limit" => reader.read_into(&mut self.split_limit, |value| {
                value.at_least_one("parts", "with 0, no part would be called: leave out `split_on_failure`")
            }),
            other if site == OptionSite::Override => {
                Err(syn::Error::new(key.span(), options::unknown_override(other)))
            }
            other => Err(syn::Error::new(key.span(), options::unknown(other))),
        };
        if let Err(error) = result {
            diagnostics.push(error);
        }
    }
}

fn name(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("a stage's name cannot be empty: leave `name` out to use the function's".to_owned()),
        _ => Ok(text.to_owned()),
    }
}

fn rate(value: &OptionValue) -> syn::Result<Rate> {
    if !cfg!(feature = "rate") {
        let message = "`rate` needs the feature `rate` of `checked-pipeline`";
        return Err(syn::Error::new(value.key.span(), message));
    }
    value.text(Rate::parse)
}

/// Reads one option.
struct OptionReader<'a> {
    key: &'a Ident,
    value: Option<Expr>,
    site: OptionSite,
}

impl OptionReader<'_> {
    fn read_into<T>(
        self,
        slot: &mut Option<Spanned<T>>,
        read: impl FnOnce(&OptionValue) -> syn::Result<T>,
    ) -> syn::Result<()> {
        self.check_site()?;
        let Self { key, value, site } = self;
        let Some(expr) = value else {
            return Err(error(key, format!("`{key}` needs a value: {}", example(key, site))));
        };
        let at = expr.to_token_stream();
        let value = OptionValue { key: key.clone(), expr, site };
        let spanned = Spanned { key: key.clone(), value: read(&value)?, tokens: at };
        store(slot, spanned)
    }

    fn flag(self, slot: &mut Option<Spanned<()>>) -> syn::Result<()> {
        self.check_site()?;
        let Self { key, value, site } = self;
        // It is meant, even with a value.
        store(slot, Spanned { key: key.clone(), value: (), tokens: quote!(#key) })?;
        match value {
            Some(value) => Err(error(value, format!("`{key}` takes no value: {}", example(key, site)))),
            None => Ok(()),
        }
    }

    fn check_site(&self) -> syn::Result<()> {
        let Self { key, site, .. } = self;
        let name = key.to_string();
        match options::find(&name) {
            Some(spec) if *site == OptionSite::Override && !spec.overridable => Err(error(
                key,
                format!(
                    "`{key}` cannot be overridden: it belongs in the stage's attribute, `#[stage({})]`",
                    spec.example
                ),
            )),
            _ => Ok(()),
        }
    }
}

fn store<T>(slot: &mut Option<Spanned<T>>, spanned: Spanned<T>) -> syn::Result<()> {
    if slot.is_some() {
        let key = &spanned.key;
        return Err(error(key, format!("`{key}` is given twice")));
    }
    *slot = Some(spanned);
    Ok(())
}

fn example(key: &Ident, site: OptionSite) -> String {
    let name = key.to_string();
    let Some(spec) = options::find(&name) else {
        return String::new();
    };
    match site {
        OptionSite::Attribute => format!("write `{}`", spec.example),
        OptionSite::Override => {
            let value = spec.example.split_once(" = ").map_or("", |(_, value)| value);
            format!("write `.{name}({value})`")
        }
    }
}

fn error(at: impl ToTokens, message: String) -> syn::Error {
    syn::Error::new_spanned(at, message)
}

/// The right-hand side of an option.
struct OptionValue {
    key: Ident,
    expr: Expr,
    site: OptionSite,
}

impl OptionValue {
    fn expected<T>(&self, what: &str) -> syn::Result<T> {
        let Self { key, expr, site } = self;
        Err(error(expr, format!("`{key}` takes {what}: {}", example(key, *site))))
    }

    fn text<T>(&self, read: impl FnOnce(&str) -> Result<T, String>) -> syn::Result<T> {
        let text: &LitStr = match &self.expr {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => text,
            _ => return self.expected("a string in quotes"),
        };
        read(&text.value()).map_err(|message| syn::Error::new(text.span(), message))
    }

    fn count(&self, what: &str) -> syn::Result<u32> {
        match &self.expr {
            Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) if number.suffix().is_empty() => {
                number.base10_parse().map_err(|_| {
                    error(number, format!("{number} {what} are too many: the maximum is {}", u32::MAX))
                })
            }
            Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
                self.expected("a number that is not negative")
            }
            _ => self.expected("a whole number, written out"),
        }
    }

    fn at_least_one(&self, what: &str, why: &str) -> syn::Result<u32> {
        match self.count(what)? {
            0 => Err(error(&self.expr, format!("`{}` must be at least 1: {why}", self.key))),
            n => Ok(n),
        }
    }

    fn predicate(&self) -> syn::Result<Predicate> {
        match &self.expr {
            Expr::Closure(closure) if closure.inputs.len() != 1 || closure.asyncness.is_some() => {
                self.expected("a closure of the error alone that is not async, `|error| …`")
            }
            Expr::Closure(closure) => Ok(Predicate::Closure(closure.clone())),
            _ => self.path("the path of a function, or a closure, `|error| …`").map(Predicate::Function),
        }
    }

    fn path(&self, what: &str) -> syn::Result<syn::Path> {
        match &self.expr {
            Expr::Path(ExprPath { qself: None, path, .. }) => Ok(path.clone()),
            _ => self.expected(what),
        }
    }
}
