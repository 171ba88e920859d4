use pipeline::stage;

struct Receipt;

#[stage(split_on_failure)]
async fn store(rows: &[u32]) -> Result<Receipt, std::io::Error> {
    println!("{}", rows.len());
    Ok(Receipt)
}

fn main() {}
