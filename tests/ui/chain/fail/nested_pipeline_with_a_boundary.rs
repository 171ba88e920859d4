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
    let inner = pipeline![words => each => length];
    let _ = pipeline![|line: String| line => { inner }].collect(["a".to_owned()]);
}
