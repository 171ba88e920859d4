use pipeline::{pipeline, stage};

#[stage]
fn length(word: &str) -> usize {
    word.len()
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let lengths = pipeline![length].collect(["a", "b"]).await;
    assert!(lengths.is_ok());
}
