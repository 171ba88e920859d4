use pipeline::{pipeline, stage};

enum Result {
    Landed,
    Diverted,
}

#[stage]
fn land(runway: u8) -> Result {
    if runway > 0 {
        Result::Landed
    } else {
        Result::Diverted
    }
}

fn main() {
    let landed = pipeline![land].run_blocking(1);
    println!("{}", matches!(landed, Ok(Result::Landed)));
}
