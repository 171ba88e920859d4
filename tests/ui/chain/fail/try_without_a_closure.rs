use pipeline::{pipeline, stage};

#[stage]
fn parse(text: &str) -> Result<u32, std::num::ParseIntError> {
    text.parse()
}

fn main() {
    let _ = pipeline![try parse];
}
