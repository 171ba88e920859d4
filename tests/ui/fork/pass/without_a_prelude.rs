#![no_implicit_prelude]

#[derive(::std::clone::Clone)]
struct Text(::std::string::String);

enum Size {
    Small(usize),
    Large,
}

#[::pipeline::stage]
async fn size(text: &Text) -> Size {
    match text.0.len() {
        large if large > 3 => Size::Large,
        small => Size::Small(small),
    }
}

#[::pipeline::stage]
async fn parse(text: Text) -> ::std::result::Result<u32, ::std::fmt::Error> {
    match text.0.parse() {
        ::std::result::Result::Ok(number) => ::std::result::Result::Ok(number),
        ::std::result::Result::Err(_) => ::std::result::Result::Err(::std::fmt::Error),
    }
}

#[::pipeline::stage]
fn zero(_text: &Text) -> u32 {
    0
}

#[::pipeline::stage]
fn add(one: u32, other: u32) -> u32 {
    one + other
}

fn main() {
    let more = 5;
    let small = ::pipeline::pipeline![match {
        Size::Small(size) if size > 1 => size => |size| size + more,
        Size::Small(size) => size => |size| size,
        Size::Large => () => |()| 100,
    }];
    let all = ::pipeline::pipeline!(|text: Text| {
        let number = { ::pipeline::pipeline![(parse | zero)] }(text);
        let (again, nothing) = { ::pipeline::pipeline![(parse.retries(1), zero)] }(text);
        let sum = add(number, again);
        let sum = add(sum, nothing);
        let size = size(text);
        let size = { small }(size);
        zero(Text(::std::string::String::new()));
        (sum, size, text.0.len())
    });
    let text = Text(<::std::string::String as ::std::convert::From<&str>>::from("21"));
    ::std::assert_eq!(
        ::std::result::Result::ok(all.run_blocking(text)),
        ::std::option::Option::Some((42, 7, 2))
    );
}
