use std::fmt::Display;

use pipeline::{pipeline, stage};

#[stage]
fn split(line: &str) -> Vec<String> {
    line.split(',').map(str::to_owned).collect()
}

#[stage]
fn join<T: Display + Send>(parts: Option<T>) -> String {
    parts.map(|part| part.to_string()).unwrap_or_default()
}

fn main() {
    let joined = pipeline![split => join];
    println!("{:?}", joined.run_blocking("BER,TXL".to_owned()));
}
