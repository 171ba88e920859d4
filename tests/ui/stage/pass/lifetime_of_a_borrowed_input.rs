use std::borrow::Cow;

use pipeline::{pipeline, stage};

#[stage]
fn trim<'a>(line: &'a str) -> String {
    let trimmed: &'a str = line.trim();
    trimmed.to_owned()
}

#[stage(retries = 1)]
async fn split<'line>(line: &'line str) -> Result<Vec<Cow<'static, str>>, std::fmt::Error> {
    let parts: Vec<&'line str> = line.split(',').collect();
    Ok(parts
        .into_iter()
        .map(|part| Cow::Owned(part.to_owned()))
        .collect())
}

#[stage]
fn longest<'a, 'b: 'a>(codes: &'a [Cow<'b, str>], #[state] least: &'a usize) -> usize {
    codes
        .iter()
        .map(|code: &'a Cow<'b, str>| code.len())
        .max()
        .unwrap_or(0)
        .max(*least)
}

fn main() {
    let longest = pipeline![trim => split => longest].with(1);
    assert_eq!(longest.run_blocking(" BER,Tegel ".to_owned()).unwrap(), 5);
}
