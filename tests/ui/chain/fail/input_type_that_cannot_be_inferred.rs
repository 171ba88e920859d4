use std::fmt::Display;

use pipeline::{pipeline, stage};

#[stage]
fn label<T: Display + Send>(value: T) -> String {
    format!("<{value}>")
}

fn main() {
    let labelled = pipeline![label];
    println!("{labelled:?}");
}
