use pipeline::{pipeline, stage};

#[stage(retries = 3, delay = "1s")]
async fn length(text: &str) -> usize {
    text.len()
}

fn main() {
    let _ = pipeline![length].run_blocking("four".to_owned());
}
