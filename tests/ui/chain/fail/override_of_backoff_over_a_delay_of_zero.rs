use pipeline::{pipeline, stage};

#[stage(retries = 3, delay = "0s")]
async fn fetch(url: &str) -> Result<String, std::io::Error> {
    std::fs::read_to_string(url)
}

fn main() {
    let _ = pipeline![fetch.backoff("exponential")];
}
