use std::io;

use pipeline::{pipeline, stage};

type Result<T> = std::result::Result<T, std::num::ParseIntError>;

type Outcome = std::result::Result<u32, String>;

#[stage]
fn parse(line: &str) -> Result<u32> {
    line.parse()
}

#[stage]
async fn check(x: u32) -> io::Result<u32> {
    Ok(x)
}

#[stage]
fn judge(x: u32) -> anyhow::Result<u32> {
    anyhow::ensure!(x > 0, "too small");
    Ok(x)
}

#[stage]
fn boxed(x: u32) -> std::result::Result<u32, Box<dyn std::error::Error + Send + Sync>> {
    Ok(x)
}

#[stage]
fn text(x: u32) -> std::result::Result<u32, &'static str> {
    if x > 0 { Ok(x) } else { Err("too small") }
}

#[stage]
fn whole(x: u32) -> Outcome {
    Ok(x)
}

fn main() {
    let judged = pipeline![parse => check => judge => boxed => text => whole => |outcome| outcome.is_ok()];
    assert!(judged.run_blocking("42".to_owned()).unwrap());
}
