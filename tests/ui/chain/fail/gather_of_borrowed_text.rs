use pipeline::{pipeline, stage};

#[stage]
fn length(text: &str) -> usize {
    text.len()
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let lines = "a\nb";
    let gathered = pipeline![length].gather(lines.lines()).await;
    println!("{}", gathered.outputs.len());
}
