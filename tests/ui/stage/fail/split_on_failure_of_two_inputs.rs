use pipeline::stage;

#[stage(split_on_failure)]
async fn store(rows: &[u32], table: &str) -> Result<usize, std::io::Error> {
    Ok(rows.len() + table.len())
}

fn main() {}
