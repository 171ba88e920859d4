use pipeline::{pipeline, stage};

struct Attempt(u32);

#[stage]
async fn fetch(url: &str, #[context] attempt: &Attempt) -> String {
    format!("{url}, attempt {}", attempt.0)
}

fn main() {
    let ingest = pipeline![fetch];
    println!("{:?}", ingest.run_blocking("airports.csv".to_owned()));
}
