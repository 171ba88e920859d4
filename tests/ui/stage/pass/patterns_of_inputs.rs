#![deny(warnings)]

use pipeline::{Context, pipeline, stage};

#[derive(Clone)]
struct Airport {
    code: String,
    runways: u32,
}

#[stage]
fn parse(_line: String) -> Airport {
    Airport {
        code: "BER".to_owned(),
        runways: 2,
    }
}

#[stage(retries = 1)]
async fn split(Airport { code, runways }: Airport) -> Result<(String, u32), std::fmt::Error> {
    Ok((code, runways))
}

#[stage]
fn pair(code: &str, mut runways: u32, #[context] _: &Context) -> ([u32; 2], String) {
    runways += 1;
    ([runways, 0], code.to_owned())
}

#[stage(retries = 1)]
fn sum(&[first, second]: &[u32; 2], code: String) -> Result<u32, std::fmt::Error> {
    Ok(first + second + code.len() as u32)
}

#[stage]
async fn now() -> u32 {
    7
}

#[stage]
fn nothing() {}

fn main() {
    let summed = pipeline![parse => split => pair => sum.retries(2)];
    assert_eq!(summed.run_blocking(String::new()).unwrap(), 6);
    assert_eq!(pipeline![now => |x| x + 1].run_blocking(()).unwrap(), 8);
    assert_eq!(pipeline![nothing => nothing => now].run_blocking(()).unwrap(), 7);
}
