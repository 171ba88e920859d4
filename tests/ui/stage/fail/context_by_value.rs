use pipeline::{Context, pipeline, stage};

#[stage]
async fn fetch(url: &str, #[context] context: Context) -> String {
    format!("{url}, attempt {}", context.attempt())
}

fn main() {
    let ingest = pipeline![fetch];
    println!("{:?}", ingest.run_blocking("airports.csv".to_owned()));
}
