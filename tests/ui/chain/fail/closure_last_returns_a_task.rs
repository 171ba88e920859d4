use pipeline::{pipeline, stage};

#[stage]
fn upper(text: &str) -> String {
    text.to_uppercase()
}

fn main() {
    let spawned = pipeline![upper => |text| tokio::spawn(async move { text.len() })];
    let _ = spawned.run_blocking("7".to_owned());
}
