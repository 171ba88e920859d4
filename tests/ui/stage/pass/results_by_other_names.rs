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

#[stage(fallible)]
fn whole(x: u32) -> Outcome {
    Ok(x)
}

// Another name, with a parameter of the function in it.
type Checked<T, E = String> = std::result::Result<T, E>;

#[stage(fallible, retries = 1)]
async fn some<T: Send + Sync + Clone>(list: &Vec<T>) -> Checked<T> {
    list.first().cloned().ok_or_else(|| "nothing".to_owned())
}

// `Result` without arguments is an alias too.
mod unit {
    pub type Result = std::fmt::Result;
}

#[stage]
async fn write(text: &str) -> unit::Result {
    if text.is_empty() { Err(std::fmt::Error) } else { Ok(()) }
}

#[stage(fallible, blocking)]
fn write_all(lines: Vec<String>) -> unit::Result {
    lines.iter().try_for_each(|line| if line.is_empty() { Err(std::fmt::Error) } else { Ok(()) })
}

fn main() {
    let judged = pipeline![parse => check => judge => boxed => text => whole => |whole| whole + 1];
    assert_eq!(judged.run_blocking("42".to_owned()).unwrap(), 43);
    assert_eq!(pipeline![some].run_blocking(Vec::<u8>::new()).unwrap_err().attempts(), 2);
    assert_eq!(pipeline![some].run_blocking(vec![7]).unwrap(), 7);
    assert!(pipeline![write].run_blocking(String::new()).is_err());
    assert!(pipeline![write_all].run_blocking(vec!["a".to_owned(), String::new()]).is_err());
}
