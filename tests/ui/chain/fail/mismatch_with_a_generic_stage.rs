use std::str::FromStr;

use pipeline::{pipeline, stage};

#[stage]
fn decode<T: FromStr<Err = std::num::ParseIntError> + Send>(
    line: &str,
) -> Result<T, std::num::ParseIntError> {
    line.parse()
}

#[stage]
fn shout(text: &str) -> String {
    text.to_uppercase()
}

fn main() {
    let shouted = pipeline![decode::<u32> => shout];
    println!("{:?}", shouted.run_blocking("42".to_owned()));
}
