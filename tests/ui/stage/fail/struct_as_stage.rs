use pipeline::{pipeline, stage};

#[stage]
struct Airport {
    code: String,
}

#[stage]
fn parse(code: String) -> Airport {
    Airport { code }
}

fn main() {
    let airport = pipeline![parse].run_blocking("BER".to_owned());
    println!("{}", airport.unwrap().code);
}
