use pipeline::{pipeline, stage};

#[stage]
fn parse(line: &str) -> Result<u32, std::num::ParseIntError> {
    line.parse()
}

#[tokio::main]
async fn main() {
    let parsed = pipeline![parse].collect("42".to_owned()).await;
    println!("{parsed:?}");
}
