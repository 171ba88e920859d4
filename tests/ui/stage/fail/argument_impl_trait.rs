use pipeline::{pipeline, stage};

#[stage]
fn label(code: impl Into<String>) -> String {
    let mut label: String = code.into();
    label.insert_str(0, "airport ");
    label
}

#[stage]
fn length(label: &str) -> usize {
    label.len()
}

fn main() {
    println!("{:?}", pipeline![label => length].run_blocking("BER"));
}
