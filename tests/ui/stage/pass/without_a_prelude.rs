#![no_implicit_prelude]

#[derive(::std::clone::Clone)]
struct Airport {
    code: ::std::string::String,
}

type Seen = ::std::sync::Mutex<::std::vec::Vec<Airport>>;

#[derive(::pipeline::Provide)]
struct App {
    seen: Seen,
    #[provide(skip)]
    limit: usize,
}

#[::pipeline::stage(name = "split")]
fn split(line: &str) -> ::std::vec::Vec<::std::string::String> {
    ::std::iter::Iterator::collect(::std::iter::Iterator::map(
        line.split(','),
        <::std::string::String as ::std::convert::From<&str>>::from,
    ))
}

#[::pipeline::stage]
fn first(
    codes: ::std::vec::Vec<::std::string::String>,
    #[context] context: &::pipeline::Context,
) -> ::std::result::Result<Airport, ::std::fmt::Error> {
    let code = ::std::iter::IntoIterator::into_iter(codes);
    match ::std::iter::Iterator::nth(&mut { code }, context.index()) {
        ::std::option::Option::Some(code) => ::std::result::Result::Ok(Airport { code }),
        ::std::option::Option::None => ::std::result::Result::Err(::std::fmt::Error),
    }
}

#[::pipeline::stage(
    retries = 3,
    backoff = "linear",
    delay = "1ms",
    jitter,
    retry_if = is_transient,
    retry_after = wait,
    timeout = "5s",
    deadline = "1m",
    concurrency = 4,
    rate = "1000/s"
)]
async fn store(airport: Airport, #[state] seen: &Seen) -> ::std::result::Result<usize, ::std::fmt::Error> {
    let mut seen = match seen.lock() {
        ::std::result::Result::Ok(seen) => seen,
        ::std::result::Result::Err(_) => return ::std::result::Result::Err(::std::fmt::Error),
    };
    seen.push(airport);
    ::std::result::Result::Ok(seen.len())
}

#[::pipeline::stage(blocking, retries = 1, timeout = "1m")]
fn label(count: &usize, #[context] context: &::pipeline::Context) -> ::std::string::String {
    ::std::format!("{count} in {}", context.stage())
}

fn is_transient(_: &::std::fmt::Error) -> bool {
    true
}

fn wait(_: &::std::fmt::Error) -> ::std::option::Option<::std::time::Duration> {
    ::std::option::Option::None
}

fn main() {
    let app = App {
        seen: ::std::default::Default::default(),
        limit: 7,
    };
    let _ = app.limit;
    let nested = ::pipeline::pipeline![store.retries(1).delay("2ms") => label];
    let batches = ::pipeline::pipeline![split => each => batch(2, "5ms") => |rows: ::std::vec::Vec<_>| rows.len()];
    let _ = batches.collect([::std::string::String::new()]);
    let ingest = ::pipeline::pipeline![
        split
            => inspect(|codes: &::std::vec::Vec<::std::string::String>| ::std::assert_eq!(codes.len(), 2))
            => first
            => { nested }
            => |label| label.len()
    ];
    let length = ingest
        .with(app)
        .run_blocking(<::std::string::String as ::std::convert::From<&str>>::from(
            "BER,TXL",
        ));
    ::std::assert_eq!(::std::result::Result::ok(length), ::std::option::Option::Some(10));
}
