use std::fmt::Display;
use std::num::ParseIntError;

use pipeline::{pipeline, stage};

#[stage]
fn parse(line: &str) -> Result<impl Display, ParseIntError> {
    line.parse::<u32>()
}

fn main() {
    let number = pipeline![parse].run_blocking("42".to_owned());
    println!("{}", number.is_ok());
}
