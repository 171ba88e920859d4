use pipeline::{pipeline, stage};

#[stage(retries = 2)]
async fn fetch(url: String) -> Result<String, String> {
    let body = url + ;
    Ok(body)
}

#[stage]
fn length(body: &str) -> usize {
    body.len()
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let _ = pipeline![fetch => length].run("a".to_owned()).await;
}
