use std::num::ParseIntError;

use pipeline::{pipeline, stage};

#[stage(timeout = "1s")]
fn decode(line: &str) -> Result<i64, ParseIntError> {
    line.trim().parse()
}

#[stage]
async fn celsius(kelvin: i64) -> i64 {
    kelvin - 273
}

fn main() {
    let reading = pipeline![decode => celsius];
    println!("{:?}", reading.run_blocking("300".to_owned()));
}
