use pipeline::{pipeline, stage};

#[stage]
fn label(code: Option<&str>) -> String {
    code.unwrap_or("unknown").to_owned()
}

#[stage]
fn length(label: &str) -> usize {
    label.len()
}

fn main() {
    println!("{:?}", pipeline![label => length].run_blocking(Some("BER")));
}
