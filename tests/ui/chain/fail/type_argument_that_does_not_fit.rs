use std::str::FromStr;

use pipeline::{pipeline, stage};

#[stage]
fn decode<T: FromStr<Err = std::num::ParseIntError> + Send>(
    line: &str,
) -> Result<T, std::num::ParseIntError> {
    line.parse()
}

fn main() {
    println!("{:?}", pipeline![decode::<bool>].run_blocking("true".to_owned()));
}
