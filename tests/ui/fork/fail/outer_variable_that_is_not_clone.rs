use pipeline::{pipeline, stage};

struct Prefix(String);

#[stage]
fn label(id: u64, prefix: Prefix) -> String {
    format!("{}{id}", prefix.0)
}

fn main() {
    let prefix = Prefix("no. ".to_owned());
    let page = pipeline!(|id: u64| {
        label(id, prefix)
    });
    println!("{:?}", page.run_blocking(7));
}
