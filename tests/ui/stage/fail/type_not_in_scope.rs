use pipeline::{pipeline, stage};

#[stage]
fn parse(line: String) -> Airprot {
    Airport { code: line }
}

#[stage]
fn length(airport: Airport) -> usize {
    airport.code.len()
}

struct Airport {
    code: String,
}

fn main() {
    println!("{:?}", pipeline![parse => length].run_blocking("BER".to_owned()));
}
