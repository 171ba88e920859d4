use pipeline::{pipeline, stage};

#[stage]
fn char(text: String) -> Option<std::primitive::char> {
    text.chars().next()
}

fn main() {
    let _ = pipeline![char];
}
