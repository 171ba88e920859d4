use std::sync::Mutex;

use pipeline::{pipeline, stage};

#[derive(Clone)]
struct Airport {
    code: String,
}

type Table = Mutex<Vec<Airport>>;

#[stage]
fn parse(code: String) -> Airport {
    Airport { code }
}

#[stage(concurrency = 0)]
async fn store(airport: Airport, #[state] table: &Table) -> Result<usize, std::fmt::Error> {
    let mut rows = table.lock().expect("no stage panicked");
    rows.push(airport);
    Ok(rows.len())
}

fn main() {
    let ingest = pipeline![parse => store].with(Table::default());
    println!("{:?}", ingest.run_blocking("BER".to_owned()));
}
