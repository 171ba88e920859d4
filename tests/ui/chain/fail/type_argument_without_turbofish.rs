use std::str::FromStr;

use pipeline::{pipeline, stage};

#[stage]
fn decode<T: FromStr<Err = std::num::ParseIntError> + Send>(
    line: &str,
) -> Result<T, std::num::ParseIntError> {
    line.parse()
}

#[stage]
fn double(x: u32) -> u32 {
    2 * x
}

fn main() {
    println!(
        "{:?}",
        pipeline![decode<u32> => double].run_blocking("42".to_owned())
    );
}
