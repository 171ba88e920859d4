use std::sync::Mutex;

use pipeline::{pipeline, stage};

#[stage(retries = 3, timeout = "5s")]
async fn store(code: &str, #[state] seen: &Mutex<Vec<String>>) -> Result<usize, std::io::Error> {
    let mut seen = seen.lock().expect("no stage panicked");
    tokio::task::yield_now().await;
    seen.push(code.to_owned());
    Ok(seen.len())
}

fn main() {
    let ingest = pipeline![store].with(Mutex::new(Vec::new()));
    println!("{:?}", ingest.run_blocking("BER".to_owned()));
}
