use pipeline::{pipeline, stage};

#[derive(Debug)]
enum ParseError {
    Empty,
}

#[stage]
fn parse(line: String) -> Result<String, ParseError> {
    if line.is_empty() {
        Err(ParseError::Empty)
    } else {
        Ok(line)
    }
}

#[stage]
fn length(line: &str) -> usize {
    line.len()
}

fn main() {
    println!("{:?}", pipeline![parse => length].run_blocking("BER".to_owned()));
}
