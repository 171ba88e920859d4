use pipeline::{pipeline, stage};

#[stage]
fn lines(body: String) -> impl Iterator<Item = String> + Send {
    body.lines().map(str::to_owned).collect::<Vec<_>>().into_iter()
}

#[stage]
fn count(lines: Vec<String>) -> usize {
    lines.len()
}

fn main() {
    let lines = pipeline![lines => count].run_blocking("BER\nTXL".to_owned());
    println!("{lines:?}");
}
