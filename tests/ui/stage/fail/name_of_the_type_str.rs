use pipeline::{pipeline, stage};

#[stage]
async fn str(x: u64) -> String {
    x.to_string()
}

fn main() {
    let _ = pipeline![str => |text| text.len()];
}
