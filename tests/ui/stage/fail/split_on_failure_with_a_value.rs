use pipeline::stage;

#[stage(split_on_failure = true)]
async fn store(rows: &[u32]) -> Result<usize, std::io::Error> {
    Ok(rows.len())
}

fn main() {}
