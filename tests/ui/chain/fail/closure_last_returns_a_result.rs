use pipeline::{pipeline, stage};

#[stage]
fn upper(text: &str) -> String {
    text.to_uppercase()
}

fn main() {
    let parsed = pipeline![upper => |text| text.parse::<u32>()];
    let _ = parsed.run_blocking("7".to_owned());
}
