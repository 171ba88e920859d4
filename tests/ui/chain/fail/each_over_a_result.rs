use pipeline::{pipeline, stage};

#[stage]
fn upper(text: &str) -> String {
    text.to_uppercase()
}

fn main() {
    let parsed = pipeline![upper => |text| text.parse::<u32>() => each => |x| x + 1];
    let _ = parsed.concurrency(2);
}
