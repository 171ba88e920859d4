use pipeline::{Context, pipeline, stage};

#[stage]
async fn fetch(
    url: &str,
    #[state]
    #[context]
    context: &Context,
) -> String {
    format!("{url} in {}", context.stage())
}

fn main() {
    let ingest = pipeline![fetch];
    println!("{:?}", ingest.run_blocking("airports.csv".to_owned()));
}
