use pipeline::stage;

struct Row;

#[stage(split_on_failure)]
async fn store(rows: Vec<Row>) -> Result<usize, std::io::Error> {
    Ok(rows.len())
}

fn main() {}
