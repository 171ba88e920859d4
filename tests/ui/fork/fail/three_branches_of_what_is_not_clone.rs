use pipeline::{pipeline, stage};

struct Document {
    text: String,
}

#[stage]
fn words(document: Document) -> usize {
    document.text.split_whitespace().count()
}

#[stage]
fn lines(document: Document) -> usize {
    document.text.lines().count()
}

#[stage]
fn chars(document: Document) -> usize {
    document.text.chars().count()
}

fn main() {
    let counts = pipeline![(words, lines, chars)];
    let document = Document {
        text: String::new(),
    };
    println!("{:?}", counts.run_blocking(document));
}
