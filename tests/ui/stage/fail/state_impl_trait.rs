use std::fmt::Display;

use pipeline::{pipeline, stage};

#[stage]
async fn greet(name: &str, #[state] greeting: &impl Display) -> String {
    format!("{greeting}, {name}!")
}

fn main() {
    let hello = pipeline![greet].with("Hello".to_owned());
    println!("{:?}", hello.run_blocking("Ada".to_owned()));
}
