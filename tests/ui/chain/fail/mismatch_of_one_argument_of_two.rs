use pipeline::{pipeline, stage};

#[stage]
fn split(line: &str) -> (String, u32) {
    (line.to_owned(), line.len().try_into().unwrap_or(0))
}

#[stage]
fn label(code: String, runways: usize) -> String {
    format!("{code}: {runways}")
}

fn main() {
    let labelled = pipeline![split => label];
    println!("{:?}", labelled.run_blocking("BER".to_owned()));
}
