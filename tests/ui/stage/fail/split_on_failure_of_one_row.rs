use pipeline::stage;

#[stage(split_on_failure)]
async fn store(row: u32) -> Result<u64, std::io::Error> {
    Ok(u64::from(row))
}

fn main() {}
