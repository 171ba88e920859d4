use pipeline::{pipeline, stage};

#[stage]
fn trim(line: &str) -> &str {
    line.trim()
}

#[stage]
fn length(line: String) -> usize {
    line.len()
}

fn main() {
    println!("{:?}", pipeline![trim => length].run_blocking(" BER ".to_owned()));
}
