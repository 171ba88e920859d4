use pipeline::{pipeline, stage};

#[stage]
async fn store(rows: &[u32]) -> Result<usize, std::io::Error> {
    Ok(rows.len())
}

fn main() {
    let _ = pipeline![u32: batch(10) => store.split_on_failure()];
}
