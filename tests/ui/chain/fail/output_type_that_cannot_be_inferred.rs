use std::str::FromStr;

use pipeline::{pipeline, stage};

#[stage]
fn decode<T: FromStr<Err = std::num::ParseIntError> + Send>(
    line: &str,
) -> Result<T, std::num::ParseIntError> {
    line.parse()
}

fn main() {
    let number = pipeline![decode].run_blocking("42".to_owned());
    println!("{}", number.is_ok());
}
