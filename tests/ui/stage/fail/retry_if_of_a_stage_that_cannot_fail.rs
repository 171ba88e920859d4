use pipeline::stage;

fn is_transient(_: &std::io::Error) -> bool {
    true
}

#[stage(retries = 3, retry_if = is_transient)]
fn length(text: &str) -> usize {
    text.len()
}

fn main() {}
