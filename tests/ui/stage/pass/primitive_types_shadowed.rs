#![allow(dead_code, non_camel_case_types)]

struct bool;
struct char;
struct f64;
struct i32;
struct str;
struct u8;
struct u32;
struct usize;

#[pipeline::stage(retries = 2, retry_if = is_transient, timeout = "1s", concurrency = 2, rate = "1000/s")]
async fn check(x: u64) -> Result<u64, std::fmt::Error> {
    Ok(x)
}

#[pipeline::stage(blocking)]
fn label<T: std::fmt::Display + Send + 'static>(value: T) -> String {
    value.to_string()
}

fn is_transient(_: &std::fmt::Error) -> std::primitive::bool {
    false
}

fn main() {
    let labelled =
        pipeline::pipeline![check.retries(1).delay("1ms") => |x| x + 1 => inspect(|_| {}) => label];
    assert_eq!(labelled.run_blocking(1).unwrap(), "2");
}
