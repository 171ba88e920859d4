use pipeline::{pipeline, stage};

#[stage]
fn words(line: &str) -> Vec<String> {
    line.split(' ').map(str::to_owned).collect()
}

fn main() {
    let _ = pipeline![words => each].settle_blocking(["a b".to_owned()]);
}
