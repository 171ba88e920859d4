#![allow(dead_code, non_camel_case_types, unused_macros)]

struct Result;
struct Option;
struct String;
struct Vec;
struct Ok;
struct Err;
struct Some;
struct None;
struct Future;
struct Stage;
struct Accepts;
struct Graph;
struct Branch;
struct Fork;
struct Port;
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

#[::pipeline::stage]
async fn half(x: u8) -> ::std::result::Result<u8, ::std::fmt::Error> {
    if x % 2 == 0 {
        ::std::result::Result::Ok(x / 2)
    } else {
        ::std::result::Result::Err(::std::fmt::Error)
    }
}

#[::pipeline::stage]
fn same(x: &u8) -> u8 {
    *x
}

#[::pipeline::stage]
fn add(one: u8, other: &u8) -> u8 {
    one + *other
}

fn main() {
    let more = 1;
    let routed = ::pipeline::pipeline![match {
        0 => 0 => same,
        x if x > 100 => x - 100 => half => same,
        x => x => |x| x + 1,
    }];
    let all = ::pipeline::pipeline!(|x: u8| {
        let first = { ::pipeline::pipeline![(half | same)] }(x);
        let (one, other) = { ::pipeline::pipeline![(half, same => |x| x)] }(x);
        let sum = add(one, other);
        let sum = add(sum, first + more);
        let routed = { routed }(sum);
        let last = add.name("last")(routed, more);
        (last, x)
    });
    ::std::assert_eq!(all.run_blocking(10).unwrap(), (23, 10));
}
