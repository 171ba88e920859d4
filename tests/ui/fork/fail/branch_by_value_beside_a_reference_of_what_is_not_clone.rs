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
fn title(document: &Document) -> Option<String> {
    document.text.lines().next().map(str::to_owned)
}

fn main() {
    let counts = pipeline![(title, words)];
    let document = Document {
        text: String::new(),
    };
    println!("{:?}", counts.run_blocking(document));
}
