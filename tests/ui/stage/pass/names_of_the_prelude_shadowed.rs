#![allow(dead_code, non_camel_case_types, unused_macros)]

struct Result;
struct Option;
struct String;
struct Vec;
struct Box;
struct Ok;
struct Err;
struct Some;
struct None;
struct Duration;
struct PhantomData;
struct Future;
struct Stage;
struct Accepts;
struct Context;
struct Arc;
struct u32;
struct usize;
struct str;
trait Send {}
trait Sync {}
trait Sized {}
trait Clone {}
trait Copy {}
trait Default {}
trait From {}
trait Into {}
trait Fn {}
trait FnOnce {}
trait Drop {}
trait Iterator {}
trait IntoIterator {}
mod std {}
mod core {}
mod alloc {}
mod pipeline {}

fn drop() {}
fn stage() {}

macro_rules! panic {
    ($($any:tt)*) => {
        compile_error!("the user's own `panic!`")
    };
}
macro_rules! concat {
    ($($any:tt)*) => {
        compile_error!("the user's own `concat!`")
    };
}
macro_rules! line {
    ($($any:tt)*) => {
        compile_error!("the user's own `line!`")
    };
}
macro_rules! file {
    ($($any:tt)*) => {
        compile_error!("the user's own `file!`")
    };
}
macro_rules! assert {
    ($($any:tt)*) => {
        compile_error!("the user's own `assert!`")
    };
}

#[derive(::pipeline::Provide)]
struct App {
    limit: u8,
}

#[::pipeline::stage(retries = 2, retry_if = is_transient, retry_after = wait, timeout = "1s", concurrency = 2)]
async fn check(x: u8, #[state] limit: &u8) -> ::std::result::Result<u8, ::std::fmt::Error> {
    if x <= *limit {
        ::std::result::Result::Ok(x)
    } else {
        ::std::result::Result::Err(::std::fmt::Error)
    }
}

#[::pipeline::stage(blocking, timeout = "1s", retries = 1)]
fn double(x: &u8) -> u8 {
    2 * x
}

#[::pipeline::stage]
fn label<T: ::std::fmt::Display + ::std::marker::Send>(
    value: T,
    #[context] _: &::pipeline::Context,
) -> ::std::string::String {
    format!("<{value}>")
}

fn is_transient(_: &::std::fmt::Error) -> bool {
    false
}

fn wait(_: &::std::fmt::Error) -> ::std::option::Option<::std::time::Duration> {
    ::std::option::Option::None
}

fn main() {
    let labelled = ::pipeline::pipeline![
        u8: check.retries(1).delay("1ms") => |x| x + 1 => inspect(|_| {}) => double.timeout("2s") => label
    ];
    let labelled = labelled.with(App { limit: 5 });
    assert_eq!(
        labelled.run_blocking(4).ok().as_deref(),
        ::std::option::Option::Some("<10>")
    );
}
