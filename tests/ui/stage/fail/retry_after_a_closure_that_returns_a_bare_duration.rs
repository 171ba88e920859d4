use std::io;

use pipeline::{pipeline, stage};

#[stage(retries = 3, retry_after = |_| std::time::Duration::from_secs(1))]
async fn fetch(url: &str) -> Result<String, io::Error> {
    std::fs::read_to_string(url)
}

#[stage]
fn count(body: String) -> usize {
    body.lines().count()
}

fn main() {
    let lines = pipeline![fetch => count].run_blocking("airports.csv".to_owned());
    println!("{lines:?}");
}
