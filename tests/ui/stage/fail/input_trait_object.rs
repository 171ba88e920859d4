use std::fmt::Display;

use pipeline::{pipeline, stage};

#[stage]
fn label(code: &dyn Display) -> String {
    format!("airport {code}")
}

#[stage]
fn length(label: &str) -> usize {
    label.len()
}

fn main() {
    println!("{:?}", pipeline![label => length].run_blocking("BER".to_owned()));
}
