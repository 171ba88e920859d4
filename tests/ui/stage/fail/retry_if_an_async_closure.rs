use std::io;

use pipeline::{pipeline, stage};

#[stage(retries = 3, retry_if = async |error| error.kind() == io::ErrorKind::Interrupted)]
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
