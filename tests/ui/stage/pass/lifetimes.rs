use std::borrow::Cow;

use pipeline::{pipeline, stage};

#[derive(Clone)]
struct Row<'a> {
    code: Cow<'a, str>,
}

#[stage]
fn code<'a>(row: Row<'a>) -> Cow<'a, str> {
    row.code
}

#[stage(retries = 1)]
async fn own<'a>(code: Cow<'a, str>) -> Result<String, std::fmt::Error> {
    Ok(code.into_owned())
}

#[stage]
fn length(code: &'static str) -> usize {
    code.len()
}

#[stage]
fn longest<'a>(codes: &[Cow<'a, str>]) -> usize {
    codes.iter().map(|code| code.len()).max().unwrap_or(0)
}

#[stage]
fn constant(_x: usize) -> &'static str {
    "BER"
}

fn main() {
    let owned = pipeline![code => own];
    assert_eq!(
        owned
            .run_blocking(Row {
                code: Cow::Borrowed("BER")
            })
            .unwrap(),
        "BER"
    );
    let local = "TXL".to_owned();
    assert_eq!(owned_of(&local), "TXL");
    assert_eq!(pipeline![length => constant].run_blocking("BER").unwrap(), "BER");
    assert_eq!(
        pipeline![longest]
            .run_blocking(vec![Cow::Borrowed("BER")])
            .unwrap(),
        3
    );
}

fn owned_of(code_of_one: &str) -> String {
    pipeline![code => own]
        .run_blocking(Row {
            code: Cow::Borrowed(code_of_one),
        })
        .unwrap()
}
