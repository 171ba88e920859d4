use pipeline::{pipeline, stage};

#[stage(retries = 3)]
async fn fetch(url: &str) -> Result<String, u16> {
    if url.is_empty() {
        Err(404)
    } else {
        Ok(url.to_owned())
    }
}

#[stage]
fn length(body: &str) -> usize {
    body.len()
}

fn main() {
    println!(
        "{:?}",
        pipeline![fetch => length].run_blocking("airports.csv".to_owned())
    );
}
