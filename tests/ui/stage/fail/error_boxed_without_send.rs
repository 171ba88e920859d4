use std::error::Error;

use pipeline::{pipeline, stage};

#[stage]
fn parse(line: &str) -> Result<u32, Box<dyn Error>> {
    Ok(line.trim().parse()?)
}

#[stage]
fn double(x: u32) -> u32 {
    2 * x
}

fn main() {
    println!("{:?}", pipeline![parse => double].run_blocking("42".to_owned()));
}
