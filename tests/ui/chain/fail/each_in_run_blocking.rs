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
    let lengths = pipeline![words => each => length].run_blocking("a b".to_owned());
    println!("{lengths:?}");
}
