extern crate pipeline as pl;

mod pipeline {}

use std::num::ParseIntError;

use pl::{Provide, stage};

#[derive(Provide)]
#[provide(crate = pl)]
struct App {
    limit: u32,
}

#[stage(crate = pl)]
fn parse(line: &str) -> Result<u32, ParseIntError> {
    line.parse()
}

#[stage(crate = pl, retries = 2, timeout = "1s", concurrency = 2)]
async fn check(x: u32, #[state] limit: &u32, #[context] context: &pl::Context) -> Result<u32, ParseIntError> {
    Ok(x.min(*limit) + context.attempt())
}

#[stage(crate = crate::again::pl, blocking)]
fn double(x: u32) -> u32 {
    2 * x
}

mod again {
    pub(crate) use ::pipeline as pl;
}

fn main() {
    let nested = pl::pipeline![crate = pl; double.timeout("1s") => |x: u32| x + 1];
    let checked =
        pl::pipeline![crate = pl; String: parse => check.retries(5) => inspect(|_| {}) => { nested }];
    assert_eq!(
        checked
            .with(App { limit: 20 })
            .run_blocking("42".to_owned())
            .unwrap(),
        43
    );
}
