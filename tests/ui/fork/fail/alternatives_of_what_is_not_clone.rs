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

fn main() {
    let counts = pipeline![(words | lines)];
    let document = Document {
        text: String::new(),
    };
    println!("{:?}", counts.run_blocking(document));
}
