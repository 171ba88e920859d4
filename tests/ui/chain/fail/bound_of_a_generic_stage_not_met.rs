use std::fmt::Display;

use pipeline::{pipeline, stage};

struct Airport {
    code: String,
}

#[stage]
fn parse(line: String) -> Airport {
    Airport { code: line }
}

#[stage]
fn label<T: Display + Send>(value: T) -> String {
    value.to_string()
}

fn main() {
    let airport = Airport {
        code: "BER".to_owned(),
    };
    println!("{:?}", pipeline![parse => label].run_blocking(airport.code));
}
