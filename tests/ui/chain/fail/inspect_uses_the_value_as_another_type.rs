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

fn main() {
    let ingest = pipeline![fetch => inspect(|body| println!("{}", body.count_ones())) => parse];
    println!("{:?}", ingest.run_blocking("airports.csv".to_owned()));
}
