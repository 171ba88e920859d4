use pipeline::{pipeline, stage};

#[derive(Debug)]
struct Airport {
    code: String,
}

#[stage]
async fn fetch(url: &str) -> Result<String, std::io::Error> {
    std::fs::read_to_string(url)
}

#[stage]
fn parse(body: String) -> Vec<Airport> {
    body.lines()
        .map(|line| Airport {
            code: line.to_owned(),
        })
        .collect()
}

#[stage]
async fn store(airports: Vec<Airport>) -> usize {
    airports.iter().filter(|airport| !airport.code.is_empty()).count()
}

#[stage(retries = 2)]
async fn check(count: usize) -> Result<usize, std::io::Error> {
    Ok(count)
}

fn main() {
    let ingest = pipeline![fetch => parse => check.retries(5).timeout("1s")];
    println!("{:?}", ingest.run_blocking("airports.csv".to_owned()));
}
