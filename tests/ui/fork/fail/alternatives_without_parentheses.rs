use pipeline::{pipeline, stage};

#[stage]
async fn primary(key: &str) -> Result<u32, std::num::ParseIntError> {
    key.parse()
}

#[stage]
async fn mirror(key: &str) -> Result<u32, std::num::ParseIntError> {
    key.trim().parse()
}

fn main() {
    let found = pipeline![primary | mirror];
    println!("{:?}", found.run_blocking("7".to_owned()));
}
