use pipeline::{pipeline, stage};

#[stage]
fn words(line: &str) -> Vec<String> {
    line.split_whitespace().map(str::to_owned).collect()
}

#[stage]
fn length(word: &str) -> usize {
    word.len()
}

fn main() {
    let _ = pipeline![length => batch(10, "50")];
}
