use pipeline::{pipeline, stage};

struct Database;

#[stage]
fn store(rows: Vec<u32>, #[state] _db: &Database) -> usize {
    rows.len()
}

fn main() {
    let _ = pipeline![u32: batch(10) => store].collect([1]);
}
