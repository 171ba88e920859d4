//! Options as written → a policy with checked values.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, ExprLit, ExprPath, Lit, LitStr, Token, UnOp};

use super::model::{Policy, Spelled};
use super::options;
use crate::diagnostics::Diagnostics;
use crate::value::{Growth, Rate, nonzero_duration};

/// An option with what stands behind it, not yet understood.
pub(crate) struct Given {
    pub(crate) key: Ident,
    pub(crate) value: Option<Expr>,
}

/// Reads the inside of `#[stage(...)]`. What cannot be read is reported and passed over.
pub(crate) fn parse_attribute(tokens: TokenStream, diagnostics: &mut Diagnostics) -> Policy {
    let parser = |input: ParseStream<'_>| Ok(given_options(input, diagnostics));
    // The parser reads to the end whatever comes.
    let given = parser.parse2(tokens).unwrap_or_default();
    let mut policy = Policy::default();
    for given in given {
        policy.take(given, Place::Attribute, diagnostics);
    }
    policy
}

/// Adds `.key(value)` to a policy.
pub(crate) fn read_override(policy: &mut Policy, given: Given, diagnostics: &mut Diagnostics) {
    policy.take(given, Place::Override, diagnostics);
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Attribute,
    Override,
}

fn given_options(input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> Vec<Given> {
    let mut options = Vec::new();
    while !input.is_empty() {
        match given(input) {
            Ok(option) => options.push(option),
            Err(error) => {
                diagnostics.push(error);
                skip_to_comma(input);
            }
        }
        // Either a comma or the end stands here.
        let _: syn::Result<Token![,]> = input.parse();
    }
    options
}

fn given(input: ParseStream<'_>) -> syn::Result<Given> {
    if !input.peek(Ident::peek_any) {
        return Err(input.error("expected the name of an option, such as `retries = 3`"));
    }
    let key = input.call(Ident::parse_any)?;
    let value = if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        if input.is_empty() || input.peek(Token![,]) {
            return Err(syn::Error::new(key.span(), format!("`{key}` has no value: {}", write_it(&key))));
        }
        Some(input.parse()?)
    } else {
        None
    };
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(Given { key, value });
    }
    Err(match value {
        Some(_) => input.error("expected `,` between two options"),
        None => input.error(format_args!("expected `=` or `,` after `{key}`: {}", write_it(&key))),
    })
}

fn skip_to_comma(input: ParseStream<'_>) {
    while !input.is_empty() && !input.peek(Token![,]) {
        let _: syn::Result<proc_macro2::TokenTree> = input.parse();
    }
}

fn write_it(key: &Ident) -> String {
    match options::find(&key.to_string()) {
        Some(entry) => format!("write `{}`", entry.example),
        None => "write `option = value`".to_owned(),
    }
}

impl Policy {
    fn take(&mut self, given: Given, place: Place, diagnostics: &mut Diagnostics) {
        let Given { key, value } = given;
        let reader = Reader { key: &key, value, place };
        let result = match key.to_string().as_str() {
            "name" => reader.into(&mut self.name, |value| value.text(name)),
            "retries" => reader.into(&mut self.retries, |value| value.count("retries")),
            "backoff" => reader.into(&mut self.backoff, |value| value.text(Growth::parse)),
            "delay" => reader.into(&mut self.delay, |value| value.text(nonzero_duration)),
            "max_delay" => reader.into(&mut self.max_delay, |value| value.text(nonzero_duration)),
            "jitter" => reader.flag(&mut self.jitter),
            "timeout" => reader.into(&mut self.timeout, |value| value.text(nonzero_duration)),
            "deadline" => reader.into(&mut self.deadline, |value| value.text(nonzero_duration)),
            "concurrency" => reader.into(&mut self.concurrency, Value::at_least_one),
            "rate" => reader.into(&mut self.rate, rate),
            "retry_if" => reader.into(&mut self.retry_if, |value| value.path("the path of a function")),
            "retry_after" => reader.into(&mut self.retry_after, |value| value.path("the path of a function")),
            "crate" => reader.into(&mut self.runtime, |value| value.path("the path of the `pipeline` crate")),
            "blocking" => reader.flag(&mut self.blocking),
            "split_on_failure" => reader.flag(&mut self.split),
            other if place == Place::Override => {
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

fn rate(value: &Value) -> syn::Result<Rate> {
    if !cfg!(feature = "rate") {
        let message = "`rate` is switched off: it needs the feature `rate` of `pipeline`";
        return Err(syn::Error::new(value.key.span(), message));
    }
    value.text(Rate::parse)
}

/// One option on its way into its place.
struct Reader<'a> {
    key: &'a Ident,
    value: Option<Expr>,
    place: Place,
}

impl Reader<'_> {
    fn into<T>(
        self,
        slot: &mut Option<Spelled<T>>,
        read: impl FnOnce(&Value) -> syn::Result<T>,
    ) -> syn::Result<()> {
        self.check_place()?;
        let Self { key, value, place } = self;
        let Some(expr) = value else {
            return Err(error(key, format!("`{key}` needs a value: {}", example(key, place))));
        };
        let at = expr.to_token_stream();
        let value = Value { key: key.clone(), expr, place };
        let spelled = Spelled { key: key.clone(), value: read(&value)?, at };
        put(slot, spelled)
    }

    fn flag(self, slot: &mut Option<Spelled<()>>) -> syn::Result<()> {
        self.check_place()?;
        let Self { key, value, place } = self;
        if let Some(value) = value {
            return Err(error(value, format!("`{key}` takes no value: {}", example(key, place))));
        }
        put(slot, Spelled { key: key.clone(), value: (), at: quote!(#key) })
    }

    fn check_place(&self) -> syn::Result<()> {
        let Self { key, place, .. } = self;
        let name = key.to_string();
        match options::find(&name) {
            Some(entry) if *place == Place::Override && !entry.overridable => Err(error(
                key,
                format!(
                    "`{key}` cannot be overridden: it belongs into the stage's attribute, `#[stage({})]`",
                    entry.example
                ),
            )),
            _ => Ok(()),
        }
    }
}

fn put<T>(slot: &mut Option<Spelled<T>>, spelled: Spelled<T>) -> syn::Result<()> {
    if slot.is_some() {
        let key = &spelled.key;
        return Err(error(key, format!("`{key}` is given twice")));
    }
    *slot = Some(spelled);
    Ok(())
}

fn example(key: &Ident, place: Place) -> String {
    let name = key.to_string();
    let Some(entry) = options::find(&name) else {
        return String::new();
    };
    match place {
        Place::Attribute => format!("write `{}`", entry.example),
        Place::Override => {
            let value = entry.example.split_once(" = ").map_or("", |(_, value)| value);
            format!("write `.{name}({value})`")
        }
    }
}

fn error(at: impl ToTokens, message: String) -> syn::Error {
    syn::Error::new_spanned(at, message)
}

/// The right-hand side of an option.
struct Value {
    key: Ident,
    expr: Expr,
    place: Place,
}

impl Value {
    fn expected<T>(&self, what: &str) -> syn::Result<T> {
        let Self { key, expr, place } = self;
        Err(error(expr, format!("`{key}` takes {what}: {}", example(key, *place))))
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
                    error(number, format!("{number} {what} are too many: at most {} fit", u32::MAX))
                })
            }
            Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => {
                self.expected("a number that is not negative")
            }
            _ => self.expected("a whole number, written out"),
        }
    }

    fn at_least_one(&self) -> syn::Result<u32> {
        match self.count("concurrent calls")? {
            0 => Err(error(
                &self.expr,
                "with `concurrency` 0 no call would ever start: it has to be at least 1".into(),
            )),
            n => Ok(n),
        }
    }

    fn path(&self, what: &str) -> syn::Result<syn::Path> {
        match &self.expr {
            Expr::Path(ExprPath { qself: None, path, .. }) => Ok(path.clone()),
            _ => self.expected(what),
        }
    }
}
