use pipeline::{pipeline, stage};

struct Document {
    text: String,
}

#[stage]
fn read(text: &str) -> Document {
    Document { text: text.to_owned() }
}

#[stage]
fn title(document: &Document) -> Option<String> {
    document.text.lines().next().map(str::to_owned)
}

#[stage]
fn words(document: Document) -> Result<usize, std::fmt::Error> {
    Ok(document.text.split_whitespace().count())
}

fn main() {
    let counts = pipeline![read => (title, words.retries(1))];
    println!("{:?}", counts.run_blocking(String::new()));
}
